"""The parts of a report, each from the record that it shows."""
