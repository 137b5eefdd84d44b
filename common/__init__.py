"""The core of the gallery: everything that loops, loads a model, measures or writes."""
