"""What the rows look like before anything is learned from them: one report with pictures and warnings."""
