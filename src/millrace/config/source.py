"""What a project file may say of one source: where its rows come from, and what is done to each before it is kept."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from millrace.config.api import ApiSettings
from millrace.config.contract import Contract, Word
from millrace.config.delimited import Sign, check_signs
from millrace.config.expectations import Expectations
from millrace.config.keep import check_keep
from millrace.config.pii import check_pii
from millrace.config.references import parse_reference
from millrace.config.refusal import must_parse, read_by, refused
from millrace.config.rules import CLEANING, check_step
from millrace.config.section import Duration, Name, Section, Whole
from millrace.config.target import parse_target
from millrace.config.units import DURATION, fraction, seconds
from millrace.errors import ProjectFileError


def as_text(said: Any) -> Any:
    """A mapping as JSON; moments in it as MongoDB's extended JSON writes them."""
    if not isinstance(said, dict):
        return said
    return json.dumps(said, default=_moment)


def _moment(value: date) -> dict[str, str]:
    """A date of YAML begins at midnight; a time without zone is in UTC."""
    text = value.isoformat() if isinstance(value, datetime) else f"{value}T00:00:00"
    return {"$date": text if text[-6:-5] in {"+", "-"} else f"{text}Z"}


ColumnType = Literal["number", "integer", "boolean", "date", "datetime", "text"]
Protection = Literal["hash", "mask", "encrypt", "drop"]
Step = Annotated[
    dict[str, Any],
    must_parse(check_step),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
            "properties": {name: {"description": line} for name, line in CLEANING.items()},
        }
    ),
]


class ColumnSettings(Section):
    """How one column is read."""

    type: ColumnType | None = Field(
        None, description="number, integer, boolean, date, datetime or text; inferred if absent"
    )
    missing: tuple[str, ...] = Field((), description="texts that mean 'no value' in this column")
    format: Name | Annotated[tuple[Name, ...], Field(min_length=1)] | None = Field(
        None, description="strptime format of a date or datetime, such as %d.%m.%Y; of several, the first that fits"
    )
    true: tuple[Name, ...] = Field((), description="words that mean true, in any case, such as [ja, oui]")
    false: tuple[Name, ...] = Field((), description="words that mean false, in any case, such as [nein, non]")

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats to try, in order."""
        return (self.format,) if isinstance(self.format, str) else self.format or ()

    @property
    def worded(self) -> bool:
        """Whether values are written in a way that only the settings tell."""
        return bool(self.format or self.true or self.false)

    @property
    def kind(self) -> ColumnType | None:
        """The type that is stated, or that follows from how values are written."""
        if self.type is not None or not self.worded:
            return self.type
        if not self.formats:
            return "boolean"
        return "datetime" if any(sign in one for one in self.formats for sign in ("%H", "%I", "%T", "%s")) else "date"


#: The share of a table that leaves at most in one ingest, unless the project file says otherwise.
REMOVABLE = 0.5


class Removal(Section):
    """How many rows may leave a table because its source has them no more."""

    remove: Annotated[float, read_by(fraction), Field(gt=0, le=1)] = Field(
        REMOVABLE, description="the share of the table, at most, that one ingest removes: 90%"
    )


class RetainSettings(Section):
    """How long rows are kept."""

    for_: Duration = Field(alias="for", description="such as 400 days")
    by: Name | None = Field(None, description="the time column that counts; default: when the row was ingested")


Retain = Annotated[
    RetainSettings,
    BeforeValidator(lambda value: value if isinstance(value, dict | RetainSettings) else {"for": value}),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": DURATION},
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["for"],
                    "properties": {"for": {"type": ["number", "string"]}, "by": {"type": "string"}},
                },
            ]
        }
    ),
]


class SourceSettings(Section):
    """Where rows come from, and what is done to each before it is kept."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["from"]}, {"required": ["use"]}]})

    from_: Name = Field("", alias="from", description="a path, glob or URL", repr=False)
    use: Annotated[str, must_parse(parse_target)] | None = Field(
        None,
        description="your own code instead of `from`: package.module:function, in this folder",
    )
    with_: dict[Name, Any] = Field(
        default_factory=dict, alias="with", description="arguments of the function that `use` names", repr=False
    )
    table: Name | None = Field(None, description="table of a database, such as public.customers, or resource of dlt")
    query: Annotated[Name | None, BeforeValidator(as_text, json_schema_input_type=str | dict[str, Any] | None)] = Field(
        None, description="a select instead of a table; of a collection: {filter: {…}, projection: [fields]}"
    )
    cursor: Name | None = Field(None, description="column that grows with every new row, such as a time of change")
    overlap: Annotated[float, read_by(seconds), Field(ge=0)] | None = Field(
        None, description="how far behind the newest `cursor` rows may still appear: 10 min, or steps of a number"
    )
    chunk: Whole | None = Field(None, ge=1, description="rows per query, or per commit of an API; default 100000")
    api: ApiSettings = Field(ApiSettings(), description="how an API at http:// or https:// is asked")
    header: bool | None = Field(None, description="whether delimited files start with column names; sniffed if absent")
    names: tuple[str, ...] = Field((), description="column names of files that have no header")
    delimiter: Name | None = Field(None, description="sniffed if absent")
    quote: Sign | None = Field(None, description="what stands around values of delimited files; sniffed if absent")
    escape: Sign | None = Field(
        None,
        description="what stands before a quote within a quoted value, such as \\; default: the quote itself",
    )
    encoding: Name | None = Field(None, description="of delimited files, such as cp1252; detected if absent")
    comment: Name | None = Field(None, description="what lines start with that are no rows, such as #")
    skip: Whole = Field(0, ge=0, description="lines above the header that are no rows")
    decimal: Literal[".", ","] = Field(".", description="what separates decimals in numbers")
    thousands: Annotated[str, Field(min_length=1, max_length=1)] | None = Field(
        None, description="what groups thousands in numbers, such as . or ,"
    )
    record: Name | None = Field(None, description="the tag of a record in XML, the path to the list in JSON")
    quiet: Duration | None = Field(
        None, description="files changed less than this ago wait for the next ingest, such as 5 s"
    )
    sheet: Name | None = Field(None, description="of a spreadsheet; default: the first")
    key: Name | Annotated[tuple[Name, ...], Field(min_length=1)] | None = Field(
        None, description="column(s) that identify a row"
    )
    keep: Literal["all", "latest"] = Field(
        "all", description="of the rows with one `key`: all of them, or the one with the newest `cursor` alone"
    )
    on_delete: Literal["keep", "remove"] | Removal = Field(
        "keep", description="rows that a database has no more: keep or remove; {remove: 90%} of a table at most"
    )
    columns: dict[str, ColumnSettings] = Field(default_factory=dict, description="columns whose reading is stated")
    missing: tuple[str, ...] = Field(
        (), description="texts that mean 'no value' in every column, besides the empty one"
    )
    contract: Word | Contract = Field(
        Contract(), description="what happens when columns change: evolve, freeze, quarantine, or a word for each kind"
    )
    clean: tuple[Step, ...] = Field((), description="cleaning steps, in order; see the reference of rules")
    required: tuple[Name, ...] = Field((), description="columns without which a row goes to quarantine")
    unique: Name | tuple[Name, ...] | tuple[tuple[Name, ...], ...] = Field(
        (), description="column(s) whose values no two rows share; a list of lists for several such keys"
    )
    references: dict[Name, Annotated[str, must_parse(parse_reference)]] = Field(
        default_factory=dict,
        description="columns that have values of another source: `customer_id: customers.id`",
    )
    checks: dict[str, Name] = Field(
        default_factory=dict, description="SQL expressions; rows that fail go to quarantine"
    )
    expect: Expectations = Field(Expectations(), description="what every load must be like as a whole")
    pii: dict[str, Protection] = Field(
        default_factory=dict, description="columns with personal values, and how each is protected before it is written"
    )

    retain: Retain | None = Field(
        None, description="how long rows are kept: 400 days, or {for: 400 days, by: a time column}"
    )

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns of `key`."""
        return (self.key,) if isinstance(self.key, str) else self.key or ()

    @property
    def removable(self) -> float | None:
        """The share of a table that `on_delete` may remove in one ingest; None when it removes nothing."""
        if isinstance(self.on_delete, Removal):
            return self.on_delete.remove
        return REMOVABLE if self.on_delete == "remove" else None

    @property
    def uniques(self) -> tuple[tuple[str, ...], ...]:
        """The keys that `unique` names."""
        named = (self.unique,) if isinstance(self.unique, str) else self.unique
        several = tuple(one for one in named if isinstance(one, tuple))
        return several or ((tuple(one for one in named if isinstance(one, str)),) if named else ())

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        try:
            check_pii(self.pii, self.key, self.cursor, self.clean, self.uniques)
            check_signs(self.delimiter, self.quote, self.escape)
            check_keep(self.keep, self.key, self.cursor, self.clean, self.uniques)
            self._come_from_somewhere()
        except ProjectFileError as error:
            raise refused(error) from error
        return self

    def _come_from_somewhere(self) -> None:
        if bool(self.from_) == bool(self.use):
            both = "`from` and `use` both say where the rows come from; only one can."
            seen = both if self.use else "Neither `from`, a path, glob or URL, nor `use` says where the rows come from."
            raise ProjectFileError(
                seen,
                code="config.value" if self.use else "config.missing-key",
                allowed=["from: <path, glob or URL>", "use: <package.module:function>"],
            )
        if self.with_ and not self.use:
            raise ProjectFileError("`with` holds arguments for `use`, which is absent.", code="config.value")
