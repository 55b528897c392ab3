"""How records look on a terminal: one file per family of records."""
