"""Project: the loaded project file and its store; every CLI verb is one of its methods."""
