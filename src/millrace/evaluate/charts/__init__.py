"""The report's charts, one file per family: numbers in, a `Figure` out."""
