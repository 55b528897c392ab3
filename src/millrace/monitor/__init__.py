"""From the log to a decision: drift, performance, alarms."""
