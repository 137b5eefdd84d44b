"""The tuners. Each offers contenders(), fit(), predict(), forgetting() and tables(); none imports another."""
