"""What can be said of a model's answers before anybody knows the truth, and on which assumptions."""
