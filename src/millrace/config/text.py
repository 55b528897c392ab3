"""The text of a project file, or why it cannot be had."""

from __future__ import annotations

from pathlib import Path

from millrace.errors import ProjectFileError, nearest

_START = "millrace init <your.csv> --predict <column>"


def read_text(path: Path, where: str) -> str:
    """The text at `path`, which errors call `where`. Raises `ProjectFileError`."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise _absent(path, where) from error
    except IsADirectoryError as error:
        raise _folder(path, where) from error
    except OSError as error:
        raise ProjectFileError(
            f"The file cannot be read: {error.strerror}.", where=where, code="config.unreadable"
        ) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1
        raise ProjectFileError(
            f"The byte 0x{content[error.start]:02x} is not UTF-8 text.",
            where=f"{where}:{line}:{column}",
            code="config.encoding",
            allowed=["UTF-8"],
            next_step="save the file as UTF-8",
        ) from error


def _absent(path: Path, where: str) -> ProjectFileError:
    """Say that there is no such file, and which one in the same folder was most likely meant."""
    folder = path.parent
    others = sorted(p.name for p in folder.glob("*.y*ml")) if folder.is_dir() else []
    guess = nearest(path.name, others)
    return ProjectFileError(
        "There is no such file." if folder.is_dir() else f"There is no folder `{folder.name}`.",
        where=where,
        code="config.missing-file",
        nearest=str(Path(where).with_name(guess)) if guess else None,
        next_step=_START,
    )


def _folder(path: Path, where: str) -> ProjectFileError:
    inside = path / "millrace.yaml"
    return ProjectFileError(
        "This is a folder, not a project file.",
        where=where,
        code="config.missing-file",
        nearest=f"{where}/millrace.yaml" if inside.is_file() else None,
        next_step="" if inside.is_file() else _START,
    )
