"""Bring your own: packages from estimators and graphs that Millrace did not train."""
