"""What rests: the object store, Delta tables, the package registry, the release log and the prediction log."""
