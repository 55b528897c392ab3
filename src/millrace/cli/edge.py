"""The edge of the process: every way a verb can end becomes words and an exit code here."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import typer
from typer.exceptions import TyperException

from millrace.cli.app import build
from millrace.cli.exit_codes import DONE, INTERRUPTED, UNEXPECTED, exit_code
from millrace.cli.options import DEFAULT
from millrace.cli.output import show_error
from millrace.config.secrets import Redaction, redaction
from millrace.errors import MillraceError, UsageError, nearest


def run(argv: Sequence[str]) -> int:
    """Run the verb that `argv` asks for (without the program's name); give the exit code."""
    as_json = "--json" in argv
    try:
        code = build()(args=list(argv) or ["--help"], prog_name="millrace", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("Interrupted.", err=True)
        return INTERRUPTED
    except TyperException as error:
        return _failed(_usage(error), as_json)
    except MillraceError as error:
        return _failed(error, as_json, _hiding(argv))
    except Exception as error:  # noqa: BLE001 - the edge of the process: whatever arrives here is reported
        return _unexpected(error, as_json, _hiding(argv))
    return code if isinstance(code, int) else DONE


def _failed(error: MillraceError, as_json: bool, hide: Callable[[str], str] = str) -> int:
    show_error(error, as_json, hide)
    return exit_code(error)


def _hiding(argv: Sequence[str]) -> Redaction:
    """What must not be shown, by the project file that `argv` names; an error may quote more than it should."""
    named = [word.partition("=")[2] for word in argv if word.startswith("--project=")]
    named += [path for word, path in pairwise(argv) if word in {"--project", "-p"}]
    return redaction(Path(named[-1]) if named else DEFAULT, os.environ)


def _usage(error: TyperException) -> UsageError:
    """What the parser of the command line says, in the house form."""
    context = getattr(error, "ctx", None)
    verb = context.command_path if context else "millrace"
    verbs = sorted(getattr(context.command, "commands", {})) if context else []
    seen = re.split(r" Did you mean| \(Possible", error.format_message())[0].rstrip(".")
    word = seen.rpartition("'")[0].rpartition("'")[2] if verbs else str(getattr(error, "option_name", ""))
    known = verbs or [flag for option in (context.command.params if context else ()) for flag in option.opts]
    return UsageError(
        f"{seen}.",
        where=verb,
        allowed=verbs,
        nearest=nearest(word, known) if word else None,
        next_step=f"{verb} --help",
    )


def _unexpected(error: Exception, as_json: bool, hide: Callable[[str], str]) -> int:
    """A defect: one line and how to report it; the traceback only for who asks."""
    if os.environ.get("MILLRACE_TRACEBACK") == "1":
        sys.stderr.write(hide("".join(traceback.format_exception(error))))
    line = (str(error).splitlines() or [""])[0]
    show_error(
        MillraceError(
            f"{type(error).__name__}: {line}",
            where="millrace",
            code="unexpected",
            next_step="this is a defect; please report it with the output of MILLRACE_TRACEBACK=1",
        ),
        as_json,
        hide,
    )
    return UNEXPECTED
