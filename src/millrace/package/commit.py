"""Which commit of its code a project stood at."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit_of(folder: Path) -> str | None:
    """The commit that is checked out where `folder` lies, as Git's hexadecimal name; None outside of Git.

    Whether files differ from it is not asked: that would run what the repository's own settings name.
    """
    try:
        asked = ["git", "-C", str(folder), "rev-parse", "--verify", "HEAD"]
        said = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=5)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.strip()
