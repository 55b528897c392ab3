"""Contract suites: what every implementation of a port promises, as tests that plugin authors inherit."""
