"""The names of the rules that every source has; a check of a project cannot have one of them."""

from __future__ import annotations

#: A value does not fit its column's type; the reader could not make a row of the line; a value is missing.
TYPE = "type"
UNREADABLE = "unreadable"
REQUIRED = "required"
#: A value has no entry in the table that `map` gives.
MAP = "map"
#: The values of columns that tell rows apart are taken by another row.
UNIQUE = "unique"
#: A value is in no row of the table that it refers to.
REFERENCES = "references"
#: The rules that refuse rows for their columns.
NEW = "new_columns"
LOST = "lost_columns"
BUILT_IN = frozenset({TYPE, UNREADABLE, REQUIRED, MAP, UNIQUE, REFERENCES, NEW, LOST})
