"""Batch by batch into the table: clean, check, keep or quarantine, exactly once."""
