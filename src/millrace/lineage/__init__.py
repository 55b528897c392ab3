"""What came from what, read from what every stage has written down anyway."""
