"""One file a strategy, found by its `STRATEGY`: a new file here is a new strategy everywhere."""
