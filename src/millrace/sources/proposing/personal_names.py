"""Which columns most likely hold personal values, by their names, and how each is best protected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_PATTERNS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "hash": re.compile(r"(?i)(^|[._ -])e[-_ ]?mail"),
        "mask": re.compile(r"(?i)(^|[._ -])(phone|mobile|telephone|fax)([._ -]?(no|nr|number))?$"),
        "encrypt": re.compile(r"(?i)(^|[._ -])(iban|ssn|passport|birth[._ -]?date|date[._ -]of[._ -]birth)$"),
        "drop": re.compile(r"(?i)(^|[._ -])((first|last|full|family)[._ -]?name|surname|street)$"),
    }
)


def protection(column: str) -> str | None:
    """How values of a column of this name are best protected; None where nothing says that they are personal.

    Examples
    --------
    >>> [protection(name) for name in ("email", "Phone", "customer.last_name", "tenure", "product_name")]
    ['hash', 'mask', 'drop', None, None]
    """
    return next((word for word, pattern in _PATTERNS.items() if pattern.search(column)), None)
