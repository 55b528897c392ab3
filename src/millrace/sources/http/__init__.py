"""What HTTP gives: the records of an API, and files at a URL."""
