"""Where work runs: in this process, or on a Ray cluster, with the same functions and the same result.

>>> with open_engine("local") as engine:
...     list(engine.stream(range, [2, 3]))
[0, 1, 0, 1, 2]
"""

from millrace.engine.base import Engine
from millrace.engine.choose import open_engine

__all__ = ["Engine", "open_engine"]
