"""THE MAP: the stages in order, what each takes and gives."""
