"""Numbers as they are written where the comma separates decimals or something groups thousands."""

from __future__ import annotations

import re

import polars as pl


def plain_numerals(texts: pl.Series, decimal: str, thousands: str | None) -> pl.Series:
    """The same numbers in plain notation; null where a text is none in this notation (or was null).

    Examples
    --------
    >>> plain_numerals(pl.Series(["1.234,5", "-3,25", "12.34"]), ",", ".").to_list()
    ['1234.5', '-3.25', None]
    """
    point = re.escape(decimal)
    digits = r"\d+"
    if thousands:
        digits = rf"(\d+|\d{{1,3}}({re.escape(thousands)}\d{{3}})+)"
    stripped = texts.str.strip_chars()
    fits = stripped.str.contains(rf"^[+-]?({digits}({point}\d*)?|{point}\d+)([eE][+-]?\d+)?$")
    bare = stripped.str.replace_all(thousands, "", literal=True) if thousands else stripped
    return bare.str.replace(decimal, ".", literal=True).set(~fits.fill_null(value=False), None)
