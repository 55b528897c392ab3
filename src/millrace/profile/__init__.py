"""What rows look like, in little: mergeable summaries of columns."""
