"""Free text as the model sees it: the same plain words in training, in the package and in the server.

Cutting a text into words needs Unicode's tables, and a graph's own lower-casing depends on the locale of the machine
that runs it. So both happen here, outside the graph, which takes words joined by single spaces.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+")


def plain_words(text: str) -> str:
    """The words of a text in lower case, joined by one space; a text without any gives the empty one.

    Examples
    --------
    >>> plain_words("Stocks rally -- S&P up 2.5%!"), plain_words("…")
    ('stocks rally s p up 2 5', '')
    """
    return " ".join(_WORD.findall(text.lower()))
