"""How a project file says which rows judge the model, and which of the others take turns in validation."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, WithJsonSchema, model_validator

from millrace.config.refusal import read_by, refused
from millrace.config.section import Duration, Section, Whole
from millrace.config.units import PERCENT, fraction
from millrace.errors import ProjectFileError

Fraction = Annotated[
    float,
    read_by(fraction),
    Field(gt=0, lt=1),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                {"type": "string", "pattern": PERCENT},
            ]
        }
    ),
]


class SplitSettings(Section):
    """Which rows are kept apart to judge the model."""

    test: Fraction = Field(0.15, description="sealed until the end, such as 15%")
    validation: Fraction = Field(0.15, description="used for early stopping and thresholds where folds are not")
    time: str | None = Field(None, description="split by this time column: the test part is the latest")
    gap: Duration | None = Field(None, description="with `time`: nobody learns from so long before what is judged")
    group: str | None = Field(None, description="rows that share this column's value stay on one side")
    column: str | None = Field(None, description="this column says `train`, `validation` or `test`")
    folds: Whole | None = Field(None, ge=2, le=20, description="cross-validation; default: 5, with many rows 3")
    repeats: Whole = Field(1, ge=1, le=10, description="how often the rows are dealt into folds anew")

    @property
    def by(self) -> tuple[str, ...]:
        """The columns that split the rows, and that the model therefore does not see."""
        return tuple(name for name in (self.time, self.group, self.column) if name is not None)

    @model_validator(mode="after")
    def _leave_rows_to_train(self) -> Self:
        keys = [key for key in ("time", "group", "column") if getattr(self, key) is not None]
        if len(keys) > 1:
            raise _refused(f"`split` has both `{keys[0]}` and `{keys[1]}`; a row can obey only one.", keys)
        if self.gap is not None and self.time is None:
            raise _refused("`split` has a `gap` and no `time` to measure it in.", ["time"])
        if self.time is not None and (self.folds is not None or self.repeats > 1):
            raise _refused("`split` has `time` and folds; what is later judges what is earlier, once.", ["validation"])
        if self.test + self.validation >= 1:
            raise _refused(
                f"`split` leaves no rows to train on: test and validation take {self.test + self.validation:.0%}.",
                ["test + validation below 100%"],
            )
        return self


def _refused(seen: str, allowed: list[str]) -> Exception:
    return refused(ProjectFileError(seen, code="config.value", allowed=allowed, next_step="remove one of them"))
