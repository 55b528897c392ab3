"""Pieces of an HTML page: escaped text, tables, interval bars, figures. No idea of what they show."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib.resources import files
from math import floor, log10

from millrace.evaluate.charts.figure import Figure, draw


@dataclass(frozen=True, slots=True)
class Markup:
    """Text that is HTML already; everything else is escaped."""

    html: str


Cell = str | Markup


def code(text: str) -> str:
    """A name from the user's world."""
    return f"<code>{escape(text)}</code>"


def words(text: str) -> str:
    """A sentence, with what stands between backquotes set as code.

    Examples
    --------
    >>> words("`a<b` holds")
    '<code>a&lt;b</code> holds'
    """
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 and i < len(parts) - 1 else part for i, part in enumerate(parts))


def number(value: float) -> str:
    """A value with as many digits as a reader can use.

    Examples
    --------
    >>> number(0.8437), number(1234.5), number(48213.0), number(0.00012), number(1e-15)
    ('0.844', '1,234.5', '48,213', '0.00012', '0')
    """
    size = abs(value)
    if size < 1e-9:
        return "0"
    if value < 0:
        return "\N{MINUS SIGN}" + number(size)
    if size >= 10_000:
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:,.1f}"
    if size >= 10:
        return f"{value:.2f}"
    return f"{value:.3f}" if size >= 0.001 else f"{value:.2g}"


def aligned(value: float, largest: float) -> str:
    """A value among others of which the `largest` has three digits, all with the same number of places.

    Examples
    --------
    >>> aligned(0.0647, 0.0647), aligned(-0.000052, 0.0647), aligned(-4211.6, 48213.0)
    ('0.0647', '\N{MINUS SIGN}0.0001', '\N{MINUS SIGN}4,212')
    >>> aligned(-0.00001, 0.0647), aligned(0.0, 0.0)
    ('0.0000', '0')
    """
    places = max(0, 2 - floor(log10(abs(largest)))) if largest else 0
    text = f"{abs(value):,.{places}f}"
    return "\N{MINUS SIGN}" + text if value < 0 and text.strip("0.,") else text


def section(title: str, *parts: str, note: str = "") -> str:
    """A heading, what to know about it, and its parts; nothing where there are no parts."""
    body = "".join(parts)
    if not body:
        return ""
    key = "".join(letter if letter.isalnum() else "-" for letter in title.lower())
    told = f'<p class="note">{words(note)}</p>' if note else ""
    return f'<section aria-labelledby="{key}"><h2 id="{key}">{escape(title)}</h2>{told}{body}</section>'


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, numbers: frozenset[int] = frozenset(), caption: str = ""
) -> str:
    """A table whose first column heads its rows; `numbers` are the columns that are set flush right."""
    heads = "".join(f'<th scope="col"{_side(i, numbers)}>{escape(name)}</th>' for i, name in enumerate(columns))
    body = "".join(
        "<tr>"
        + f'<th scope="row">{_cell(row[0])}</th>'
        + "".join(f"<td{_side(i, numbers, cell)}>{_cell(cell)}</td>" for i, cell in enumerate(row[1:], 1))
        + "</tr>"
        for row in rows
    )
    told = f"<caption>{words(caption)}</caption>" if caption else ""
    return f'<div class="scroll"><table>{told}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'


def _side(column: int, numbers: frozenset[int], cell: Cell = "") -> str:
    if column in numbers:
        return ' class="number"'
    return ' class="wide"' if isinstance(cell, Markup) else ""


def _cell(cell: Cell) -> str:
    return cell.html if isinstance(cell, Markup) else words(cell)


def items(told: list[str]) -> str:
    """A list of sentences that are HTML already; nothing where there are none."""
    return f'<ul class="plain">{"".join(f"<li>{item}</li>" for item in told)}</ul>' if told else ""


def track(value: float, low: float, high: float, ends: tuple[float, float], tick: float | None = None) -> str:
    """An interval and its value on a bar from ``ends[0]`` to ``ends[1]``, with a tick to compare with."""

    def place(at: float) -> float:
        width = ends[1] - ends[0]
        return min(max((at - ends[0]) / width if width else 0.5, 0.0), 1.0) * 100

    left, right = place(low), place(high)
    mark = "" if tick is None else f'<i class="tick" style="left:{place(tick):.2f}%"></i>'
    return (
        f'<div class="track" aria-hidden="true">{mark}<i class="range" style="left:{left:.2f}%;'
        f'width:{right - left:.2f}%"></i><i class="dot" style="left:{place(value):.2f}%"></i></div>'
    )


def figures(drawn: Iterable[Figure]) -> str:
    """Charts side by side, each with its caption and its numbers as a table."""
    body = "".join(_figure(figure) for figure in drawn)
    return f'<div class="figures">{body}</div>' if body else ""


def _figure(figure: Figure) -> str:
    numbers = frozenset(range(1, len(figure.columns)))
    twin = table(figure.columns, figure.rows, numbers=numbers)
    return (
        f"<figure><h3>{escape(figure.title)}</h3>{draw(figure)}<figcaption>{words(figure.caption)}</figcaption>"
        f"<details><summary>The numbers</summary>{twin}</details></figure>"
    )


def page(title: str, header: str, body: str, footer: str, script: str = "") -> str:
    """The whole document, which needs nothing from anywhere else.

    A browser runs `script`, whose hash the page names, and no other.
    """
    style = files("millrace.evaluate").joinpath("report.css").read_text("utf-8")
    allowed = f"; script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" if script else ""
    ran = f"<script>{script}</script>" if script else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'"
        f'{allowed}">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f"<body><header>{header}</header><main>{body}</main><footer>{footer}</footer>{ran}</body></html>\n"
    )
