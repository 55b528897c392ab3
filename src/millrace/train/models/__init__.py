"""The families of models that training may try, one file per family."""
