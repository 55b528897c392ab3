"""From a package to HTTP answers, a prediction log and feedback."""
