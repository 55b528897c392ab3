"""The project file: schema, loaded, checked; messages with file, line and column."""
