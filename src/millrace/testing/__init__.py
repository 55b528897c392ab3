"""For whoever writes a plugin: contract suites to inherit, and streams with known drifts."""
