"""What a first look at data suggests for the project file."""
