"""What a project file may say: every section, key, default and limit, in one place.

The JSON Schema that editors use is generated from these classes, so their docstrings and descriptions are
what a user reads while typing. Loading, `${ENV}` and messages with line and column are in `config.load`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

ColumnType = Literal["number", "integer", "boolean", "date", "datetime", "text"]
Scalar = str | int | float | bool

_UNITS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "day": 86400,
    "week": 604800,
}


def seconds(text: object) -> object:
    """How many seconds a duration like ``5 min`` or ``30 days`` lasts; other values pass through.

    Examples
    --------
    >>> seconds("5 min"), seconds("30 days"), seconds(12)
    (300.0, 2592000.0, 12)
    """
    match = re.fullmatch(r"\s*([0-9.]+)\s*([a-z]+?)s?\s*", str(text)) if isinstance(text, str) else None
    if match and match[2] in _UNITS:
        return float(match[1]) * _UNITS[match[2]]
    return text


def fraction(text: object) -> object:
    """What share ``15%`` is of one; other values pass through.

    Examples
    --------
    >>> fraction("15%"), fraction(0.2)
    (0.15, 0.2)
    """
    if isinstance(text, str) and text.strip().endswith("%"):
        return float(text.strip().removesuffix("%")) / 100
    return text


Duration = Annotated[float, BeforeValidator(seconds), Field(gt=0)]
Fraction = Annotated[float, BeforeValidator(fraction), Field(gt=0, lt=1)]


class Section(BaseModel):
    """A part of the project file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnSettings(Section):
    """How one column is read."""

    type: ColumnType | None = Field(
        None, description="number, integer, boolean, date, datetime or text; inferred if absent"
    )
    missing: tuple[str, ...] = Field((), description="texts that mean 'no value' in this column")
    format: str | None = Field(None, description="strptime format of a date or datetime, such as %d.%m.%Y")


class SourceSettings(Section):
    """Where rows come from, and what is done to each before it is kept."""

    from_: str = Field(alias="from", description="a path, glob or URL")
    header: bool | None = Field(None, description="whether delimited files start with column names; sniffed if absent")
    names: tuple[str, ...] = Field((), description="column names of files that have no header")
    delimiter: str | None = Field(None, description="sniffed if absent")
    key: str | tuple[str, ...] | None = Field(None, description="column(s) that identify a row")
    columns: dict[str, ColumnSettings] = Field(default_factory=dict, description="columns whose reading is stated")
    missing: tuple[str, ...] = Field(
        (), description="texts that mean 'no value' in every column, besides the empty one"
    )
    clean: tuple[dict[str, Any], ...] = Field((), description="cleaning steps, in order; see the reference of rules")
    checks: dict[str, str] = Field(default_factory=dict, description="SQL expressions; rows that fail go to quarantine")


class SplitSettings(Section):
    """Which rows are kept apart to judge the model."""

    test: Fraction = Field(0.15, description="sealed until the end")
    validation: Fraction = Field(0.15, description="used for early stopping and thresholds where folds are not")
    time: str | None = Field(None, description="split by this time column: the test part is the latest")
    group: str | None = Field(None, description="rows that share this column's value stay on one side")


class CostMetric(Section):
    """Choose the threshold that costs least."""

    cost: dict[Literal["false_positive", "false_negative"], float]


class ModelSettings(Section):
    """What is predicted, and how the model is found and judged."""

    predict: str = Field(description="the target column")
    task: Literal["auto", "binary", "multiclass", "regression"] = "auto"
    positive: Scalar | None = Field(None, description="the class that a binary model looks for; default: the rarer one")
    metric: str | CostMetric = Field("auto", description="auto, a metric's name, or cost: {...}")
    drop: tuple[str, ...] = Field((), description="columns the model must not see")
    split: SplitSettings = SplitSettings()
    budget: Duration = Field(60.0, description="time for training, such as 5 min")
    gate: tuple[str, ...] = Field((), description="conditions of release: `roc_auc >= 0.80`, `better than champion`")
    seed: int = 0


class ServeSettings(Section):
    """How predictions are served."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535, description="0 takes any free port")
    workers: int = Field(1, ge=1)
    log: Literal["all", "none"] = Field("all", description="which predictions are logged")


class MonitorSettings(Section):
    """What is watched, and how many false alarms are bearable."""

    false_alarms: str = Field("1 per month", description="budget over all columns and looks, such as `1 per month`")
    window: Duration = Field(86400.0, description="how far back a look reaches, such as 1 day")


class RetrainSettings(Section):
    """When the model is trained again."""

    when: tuple[str, ...] = Field(("drift", "harm"), description="drift, harm, or an interval such as `30 days`")


class ProjectSettings(Section):
    """A whole project file."""

    version: Literal[1] = 1
    project: str = Field("", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$|^$", description="default: the folder's name")
    sources: dict[str, SourceSettings] = Field(min_length=1)
    dataset: dict[Literal["sql"], str] | None = Field(
        None, description="SQL over the sources; default: the only source"
    )
    model: ModelSettings
    serve: ServeSettings = ServeSettings()
    monitor: MonitorSettings = MonitorSettings()
    retrain: RetrainSettings = RetrainSettings()
    store: str = Field("store", description="folder where tables, packages, releases and logs rest")
