"""A decision → people: webhook, Slack, e-mail; told once, and never lost."""
