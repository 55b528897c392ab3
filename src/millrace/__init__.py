"""Millrace: from raw data to a model that stays right in production."""

__version__ = "0.1.0"
