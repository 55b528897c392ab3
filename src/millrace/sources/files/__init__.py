"""Files of every format, here or in an object store."""
