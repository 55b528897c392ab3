"""From a table to a fit: column typing, features, models, search."""
