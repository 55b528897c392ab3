"""The picture of a column that moved."""

from __future__ import annotations

from dataclasses import dataclass

_EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")


@dataclass(frozen=True, slots=True)
class Spread:
    """How the rows of a column are spread: the share of them (0 to 1) in each of the same few cells, usually and now.

    `cells` are the names of values or ranges; where rows have no value, that is a cell too.
    """

    column: str
    cells: tuple[str, ...]
    usual: tuple[float, ...]
    now: tuple[float, ...]

    def drawn(self, width: int = 16) -> str:
        """Lines of text, for letters of equal width: each cell with a bar of its usual share, and one of that now.

        Examples
        --------
        >>> print(Spread("plan", ("gold", "silver"), (0.75, 0.25), (0.5, 0.5)).drawn(width=4))
        plan    usual       now
        gold    ████  75 %  ██▋   50 %
        silver  █▍    25 %  ██▋   50 %
        """
        room = max(map(len, (self.column, *self.cells)))
        most = max(*self.usual, *self.now, 1e-9)

        def bar(share: float) -> str:
            whole, rest = divmod(round(8 * width * share / most), 8)
            return f"{'█' * whole + _EIGHTHS[rest]:<{width}} {100 * share:>3.0f} %"

        lines = [f"{self.column:<{room}}  {'usual':<{width + 6}}  now"]
        for cell, usual, now in zip(self.cells, self.usual, self.now, strict=True):
            lines.append(f"{cell:<{room}}  {bar(usual)}  {bar(now)}")
        return "\n".join(lines)
