"""Where rows come from: one file per kind, each yields batches with a position."""
