"""How good predictions are, with intervals: metrics, curves, thresholds, advice, the report."""
