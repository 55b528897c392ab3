"""What travels between rooms: small frozen records, one idea per file."""
