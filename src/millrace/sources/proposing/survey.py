"""What a first look at data finds: facts per column, from which a project file is proposed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import polars as pl

from millrace.config.schema import ColumnType
from millrace.sources.column_types import is_marker, kind_of, parse

#: Texts that mean 'no value' beside numbers and dates. In a column of texts, most of them may well be values.
MARKERS = ("", "?", "-", "--", ".", "NA", "N/A", "n/a", "na", "#N/A", "<NA>", "null", "NULL", "None", "nan", "NaN")
#: Those that no text column means as a value; `NA` is Namibia.
_UNMISTAKABLE = ("?", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "nan", "NaN")
_FREQUENT = 0.002
_MANY = 50
#: A column of numbers stays one while no more than this share of its values is something else.
_STRAY = 0.01
_FORMATS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%Y%m%d", "%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M")
#: Texts that may be codes: letters and digits of ASCII, some signs between them, a digit somewhere.
_CODE = r"^[A-Za-z0-9][A-Za-z0-9._/:#-]*$"
_CLASSES = {"A": "[A-Z]", "a": "[a-z]", "9": "[0-9]"}
_LONGEST = 40
#: So many columns are tried two by two.
_TRIED = 6
_ID_NAME = re.compile(r"(?i:(^|[\W_])(id|uuid|guid|key|code|no|nr|number)$)|[a-z](ID|Id|Key|No|Nr)$")


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column as it was found; `values` (up to 50, most frequent first, trimmed) are empty when there are more.

    `pattern` is a regular expression that all texts of a column match, where they are shaped like codes.
    """

    name: str
    type: ColumnType
    absent: int
    distinct: int
    markers: Mapping[str, int] = field(default_factory=dict)
    strays: Mapping[str, int] = field(default_factory=dict)
    format: str | None = None
    padded: int = 0
    low: float | None = None
    high: float | None = None
    values: Mapping[str, int] = field(default_factory=dict)
    spaced: bool = False
    pattern: str | None = None

    @property
    def identifying_name(self) -> bool:
        """Whether the name is one that identifiers have: id, customer_id, orderNo."""
        return bool(_ID_NAME.search(self.name))


@dataclass(frozen=True, slots=True)
class Survey:
    """The facts of a source; `whole` says whether every row was looked at.

    `together` are two columns named like identifiers that are different in every row only together, if there are any.
    """

    rows: int
    refused: int
    repeated: int
    distinct_rows: int
    whole: bool
    columns: tuple[ColumnFacts, ...]
    together: tuple[str, ...] = ()


def survey(frame: pl.DataFrame, schema: Mapping[str, ColumnType], refused: int, whole: bool) -> Survey:
    """The facts of `frame`, whose text columns are as they stand in the data."""
    distinct_rows = frame.n_unique() if frame.height else 0
    columns = tuple(_facts(frame[name], kind) for name, kind in schema.items())
    return Survey(
        rows=frame.height,
        refused=refused,
        repeated=frame.height - distinct_rows,
        distinct_rows=distinct_rows,
        whole=whole,
        columns=columns,
        together=_together(frame, columns),
    )


def _together(frame: pl.DataFrame, columns: Sequence[ColumnFacts]) -> tuple[str, ...]:
    """The first two columns that are named like identifiers and identify rows together, though neither does alone."""
    named = [one.name for one in columns if one.identifying_name and not one.absent and one.distinct < frame.height]
    pairs = combinations(named[:_TRIED], 2)
    return next((pair for pair in pairs if frame.select(pair).n_unique() == frame.height), ())


def _facts(values: pl.Series, kind: ColumnType) -> ColumnFacts:
    absent = values.null_count()
    if kind != "text":
        return _described(values, kind, absent, {}, None, 0)
    stripped = values.str.strip_chars()
    typed, markers = _typed_beside_markers(values, stripped)
    if typed != "text":
        rest = parse(values.filter(~is_marker(values, tuple(markers))) if markers else values, typed)
        return _described(rest, typed, absent, markers, None, 0)
    typed, strays, markers = _typed_but_for_strays(values, stripped)
    if typed != "text":
        beside = stripped.is_in([*strays, *markers])
        described = _described(parse(values.filter(~beside), typed), typed, absent, markers, None, 0)
        return replace(described, strays=strays)
    if (form := _format(stripped)) is not None:
        return _described(values, "datetime" if "%H" in form else "date", absent, {}, form, 0)
    padded = int(((stripped != values) & (stripped != "")).sum())
    return _described(stripped, "text", absent, _text_markers(values, stripped), None, padded)


def _described(
    values: pl.Series, kind: ColumnType, absent: int, markers: Mapping[str, int], form: str | None, padded: int
) -> ColumnFacts:
    present = values.drop_nulls()
    distinct = present.n_unique()
    numeric = present.dtype.is_numeric() and not present.is_empty()
    counted = present.value_counts(sort=True) if 0 < distinct <= _MANY else None
    return ColumnFacts(
        name=values.name,
        type=kind,
        absent=absent,
        distinct=distinct,
        markers=markers,
        format=form,
        padded=padded,
        low=float(present.min()) if numeric else None,  # type: ignore[arg-type]
        high=float(present.max()) if numeric else None,  # type: ignore[arg-type]
        values={str(value): count for value, count in _ordered(counted)} if counted is not None else {},
        spaced=kind == "text" and bool(present.str.contains(r"\s").any()),
        pattern=_pattern(present) if kind == "text" and distinct > _MANY else None,
    )


def _pattern(present: pl.Series) -> str | None:
    """The one shape that all texts have: runs of capitals, small letters and digits, of one length or of several.

    Examples
    --------
    >>> _pattern(pl.Series(["7590-VHVEG", "5575-GNVDE"])), _pattern(pl.Series(["A-1", "AB-12"]))
    ('[0-9]{4}-[A-Z]{5}', '[A-Z]+-[0-9]+')
    """
    if not present.head(_MANY).str.contains(_CODE).all() or not present.str.contains(_CODE).all():
        return None
    exact = present.str.replace_all("[A-Z]", "A").str.replace_all("[a-z]", "a").str.replace_all("[0-9]", "9").unique()
    runs = exact.str.replace_all("A+", "A").str.replace_all("a+", "a").str.replace_all("9+", "9").unique()
    if len(runs) != 1 or len(runs[0]) > _LONGEST or "9" not in runs[0]:
        return None
    shape = exact[0] if len(exact) == 1 else runs[0]
    return "".join(_run(part.group(), len(exact) == 1) for part in re.finditer(r"A+|a+|9+|[^Aa9]", shape))


def _run(part: str, exact: bool) -> str:
    """A run of one class as a regular expression; of a sign, itself."""
    if part[0] not in _CLASSES:
        return part if part in "-_/:#" else re.escape(part)
    if exact:
        return _CLASSES[part[0]] + (f"{{{len(part)}}}" if len(part) > 1 else "")
    return f"{_CLASSES[part[0]]}+"


def _ordered(counted: pl.DataFrame) -> list[tuple[object, int]]:
    return sorted(counted.iter_rows(), key=lambda pair: (-pair[1], str(pair[0])))


def _typed_beside_markers(values: pl.Series, stripped: pl.Series) -> tuple[ColumnType, dict[str, int]]:
    """The type of a text column apart from markers of missing values; text when it has none, or few typed values."""
    marked = stripped.is_in(MARKERS)
    count = int(marked.sum() or 0)
    present = len(values) - values.null_count()
    if not count or count > present / 2:
        return "text", {}
    kind = kind_of(values.filter(~marked)) or "text"
    return kind, _counts(values.filter(marked)) if kind != "text" else {}


def _typed_but_for_strays(values: pl.Series, stripped: pl.Series) -> tuple[ColumnType, dict[str, int], dict[str, int]]:
    """The type of a text column but for so few odd values that they are mistakes, those values, and its markers."""
    marked = stripped.is_in(MARKERS)
    present = values.filter(~marked).drop_nulls()
    odd = parse(present, "number").is_null()
    strays = present.filter(odd)
    if not 0 < len(strays) <= _STRAY * len(present):
        return "text", {}, {}
    kind = kind_of(present.filter(~odd)) or "text"
    if kind not in ("integer", "number"):
        return "text", {}, {}
    return kind, _counts(strays.str.strip_chars()), _counts(values.filter(marked))


def _text_markers(values: pl.Series, stripped: pl.Series) -> dict[str, int]:
    """Unmistakable markers that are frequent enough to be a habit and not a typing error."""
    marked = values.filter(stripped.is_in(_UNMISTAKABLE))
    return _counts(marked.str.strip_chars()) if len(marked) >= max(1, _FREQUENT * len(values)) else {}


def _counts(values: pl.Series) -> dict[str, int]:
    return {str(value): count for value, count in _ordered(values.drop_nulls().value_counts())} if len(values) else {}


def _format(stripped: pl.Series) -> str | None:
    """The one format that reads every text as a date; None when none does, or two do and only a person can tell."""
    present = stripped.drop_nulls()
    if present.is_empty() or not present.head(50).str.contains(r"^\d{1,4}([./-]?)\d{1,2}([./-]?)\d{1,4}( \d|$)").all():
        return None
    fitting = [form for form in _FORMATS if _reads(present.head(50), form) and _reads(present, form)]
    return fitting[0] if len(fitting) == 1 else None


def _reads(present: pl.Series, form: str) -> bool:
    parsed = present.str.to_datetime(form, strict=False) if "%H" in form else present.str.to_date(form, strict=False)
    return parsed.null_count() == 0
