"""What a column refers to: a column of another source."""

from __future__ import annotations

from millrace.errors import ProjectFileError


def parse_reference(text: str) -> tuple[str, str]:
    """The source and the column that a reference names. Raises `ProjectFileError`.

    Examples
    --------
    >>> parse_reference("customers.id")
    ('customers', 'id')
    """
    source, _, column = text.partition(".")
    if not source or not column:
        raise ProjectFileError(
            f"`{text}` names no column of a source.", code="config.value", allowed=["<source>.<column>"]
        )
    return source, column
