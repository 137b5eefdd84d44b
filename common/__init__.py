"""The core of the gallery: everything that loops, loads a model, measures or writes."""

import os

# PyTorch's threads wait for one another by spinning. Where another program holds a core, that makes two
# threads ten times slower than one; to spin for a short while costs an idle machine next to nothing.
os.environ.setdefault("GOMP_SPINCOUNT", "5000")
