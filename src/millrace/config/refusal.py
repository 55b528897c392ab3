"""How a grammar of this room speaks through pydantic: its errors keep what is allowed and the nearest match."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from millrace.errors import ProjectFileError

#: The type of such errors in pydantic's list, and the key of its context that holds the original.
REFUSED = "refused"
#: The key of the context that says where, below the place that pydantic knows of.
AT = "at"


def refused(error: ProjectFileError, at: tuple[str, ...] = ()) -> PydanticCustomError:
    """Wrap an error so that pydantic collects it together with all others; `at` names a key below what is validated."""
    return PydanticCustomError(REFUSED, "{seen}", {"seen": error.seen, REFUSED: error, AT: at})


def must_parse(parse: Callable[[Any], object]) -> AfterValidator:
    """Keep the value as written, and refuse it where `parse` does."""

    def validate(value: Any) -> Any:
        try:
            parse(value)
        except ProjectFileError as error:
            raise refused(error) from error
        return value

    return AfterValidator(validate)


def read_by(parse: Callable[[object], object]) -> BeforeValidator:
    """Take what `parse` makes of the value, and refuse it where `parse` does."""

    def validate(value: object) -> object:
        try:
            return parse(value)
        except ProjectFileError as error:
            raise refused(error) from error

    return BeforeValidator(validate)
