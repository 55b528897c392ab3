"""How a team names its own code: `package.module:function`."""

from __future__ import annotations

import re

from millrace.errors import ProjectFileError

_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


def parse_target(text: str) -> tuple[str, str]:
    """Module and name of ``package.module:function``. Raises `ProjectFileError` for anything else.

    Examples
    --------
    >>> parse_target("shop.orders:fetch")
    ('shop.orders', 'fetch')
    """
    if not _TARGET.fullmatch(text):
        raise ProjectFileError(
            f"`{text}` does not name a function.",
            code="config.value",
            allowed=["package.module:function"],
            next_step="write the module with dots, a colon, and the name in it",
        )
    module, _, name = text.partition(":")
    return module, name
