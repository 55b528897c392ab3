"""A message as HTML that every mail program shows: its picture is a table, for images are what such programs hide."""

from __future__ import annotations

from html import escape

from millrace.records.message import Message
from millrace.records.spread import Spread

#: The longest bar, in pixels.
_WIDTH = 160
_USUAL, _NOW = "#9aa7b4", "#c2410c"


def html(message: Message) -> str:
    """The words of the message, and bars for the picture; values out of the data are text and nothing else."""
    lines = "<br>".join(escape(line) for line in message.words.splitlines())
    picture = _table(message.picture) if message.picture else ""
    title = f"<h3>{escape(message.title)}</h3>"
    return f'<html><body style="font-family:sans-serif">{title}<p>{lines}</p>{picture}</body></html>'


def _table(picture: Spread) -> str:
    most = max(*picture.usual, *picture.now, 1e-9)

    def bar(share: float, colour: str) -> str:
        width = round(_WIDTH * share / most)
        drawn = f'<span style="display:inline-block;height:12px;width:{width}px;background:{colour}">&nbsp;</span>'
        return f"<td>{drawn} {100 * share:.0f} %</td>"

    rows = [
        f"<tr><td>{escape(cell)}</td>{bar(usual, _USUAL)}{bar(now, _NOW)}</tr>"
        for cell, usual, now in zip(picture.cells, picture.usual, picture.now, strict=True)
    ]
    head = "".join(f'<th align="left">{escape(name)}</th>' for name in (picture.column, "usual", "now"))
    return f'<table cellpadding="3"><tr>{head}</tr>{"".join(rows)}</table>'
