"""How a project file says what columns become before a model sees them; what it leaves open is chosen by itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from millrace.config.refusal import read_by
from millrace.config.section import Name, Section
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


class ColumnFeatures(Section):
    """What one column becomes."""

    scale: Literal["auto", "standard", "robust", "power", "none"] = Field(
        "auto",
        description="for models that weigh numbers: by deviation, by quartiles, after Yeo-Johnson's power, or not",
    )
    encode: Literal["auto", "one_hot", "ordinal", "target"] = Field(
        "auto", description="categories as columns, as their rank by frequency, or as the mean of the target"
    )
    clip: Clip = Field("auto", description="numbers end where this share of the training rows does, on either side")
    missing: Literal["auto", "indicator", "fill"] = Field(
        "auto", description="a number that is missing: filled with the median, with or without a column that says so"
    )


class FeatureSettings(ColumnFeatures):
    """What columns become before a model sees them, all alike or one by one."""

    columns: dict[Name, ColumnFeatures] = Field({}, description="by column, instead of what is said of all")
