"""From a fit to a portable package, and back to predictions."""
