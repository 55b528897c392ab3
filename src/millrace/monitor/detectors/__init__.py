"""Detectors that see one value after another, such as a model's errors, and say when they began to differ."""
