"""Which signs may stand around and within the values of delimited text."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import WithJsonSchema

from millrace.config.refusal import read_by
from millrace.errors import ProjectFileError


def _sign(value: Any) -> Any:
    if not isinstance(value, str) or (len(value) == 1 and value.isascii() and value not in "\0\r\n"):
        return value
    raise ProjectFileError(
        f"{value!r} is not one ASCII character.",
        code="config.value",
        allowed=["'\"'", '"\'"', "'\\'", "any other; one that no value has where none is meant"],
    )


#: One byte of a file.
Sign = Annotated[str, read_by(_sign), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 1})]


def check_signs(delimiter: str | None, quote: str | None, escape: str | None) -> None:
    """Raise `ProjectFileError` where one sign would mean two things."""
    for name, sign in (("quote", quote), ("escape", escape)):
        if sign is not None and sign == delimiter:
            raise ProjectFileError(
                f"`{name}` is the `delimiter` too: {sign!r}.",
                code="config.value",
                next_step=f"remove `{name}`, or `delimiter`; what is absent is found by looking at the file",
            )
