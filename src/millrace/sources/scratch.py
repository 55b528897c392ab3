"""A folder for copies that a reader needs for a while: unpacked, decoded or converted; gone with its owner."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path


class Scratch:
    """Places for temporary files, each in a folder of its own so that a copy keeps the name of its original."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._count = 0

    def place(self, name: str) -> Path:
        """A path named `name` at which nothing is yet."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="millrace-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        return folder / name
