"""From a fit to a package: graph, parity, manifest, card."""
