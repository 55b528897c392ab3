"""Rows from a team's own code, and from other libraries' sources."""
