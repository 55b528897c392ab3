"""How a project file says what columns become before a model sees them; what it leaves open is chosen by itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from millrace.config.refusal import read_by
from millrace.config.section import Name, Section, Whole
from millrace.config.units import PERCENT, fraction

Clip = Annotated[
    Literal["auto"] | Annotated[float, Field(gt=0, lt=0.5)],
    read_by(lambda value: value if value == "auto" else fraction(value)),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": "auto"},
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5},
                {"type": "string", "pattern": PERCENT},
            ]
        }
    ),
]


Components = Annotated[
    Literal["auto", "none"] | Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)],
    read_by(lambda value: value if value in ("auto", "none") else fraction(value)),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["auto", "none"]},
                {"type": "integer", "minimum": 1},
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                {"type": "string", "pattern": PERCENT},
            ]
        }
    ),
]


class ColumnFeatures(Section):
    """What one column becomes."""

    scale: Literal["auto", "standard", "robust", "power", "quantile", "none"] = Field(
        "auto",
        description="for models that weigh numbers: by deviation, by quartiles, after Yeo-Johnson's power, "
        "as the normal score of the rank, or not",
    )
    encode: Literal["auto", "one_hot", "ordinal", "target"] = Field(
        "auto", description="categories as columns, as their rank by frequency, or as the mean of the target"
    )
    clip: Clip = Field("auto", description="numbers end where this share of the training rows does, on either side")
    missing: Literal["auto", "indicator", "fill"] = Field(
        "auto", description="a number that is missing: filled with the median, with or without a column that says so"
    )
    age_at: Name | None = Field(
        None, description="a date: also the days from it to the date in this column (between all dates by itself)"
    )


class FeatureSettings(ColumnFeatures):
    """What columns become before a model sees them, all alike or one by one."""

    pca: Components = Field(
        "auto",
        description="for models that weigh numbers: so many principal components of them, or as many as hold this "
        "share of their variance",
    )
    select: Literal["auto", "none"] | Annotated[Whole, Field(ge=1)] = Field(
        "auto", description="so many columns that tell most of the target, each by itself, chosen inside the folds"
    )
    columns: dict[Name, ColumnFeatures] = Field({}, description="by column, instead of what is said of all")

    @property
    def moments(self) -> frozenset[str]:
        """The columns that ages are counted to."""
        return frozenset(one.age_at for one in (self, *self.columns.values()) if one.age_at is not None)
