"""What starting a project wrote."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InitResult:
    """The project file that was written, and its text."""

    path: str
    text: str
