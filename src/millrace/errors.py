"""What can go wrong, as one tree.

    MillraceError
    ├── ProjectFileError     the project file says something it cannot mean   (exit code 3)
    │   └── ProjectFileErrors   everything that is wrong with it, at once
    ├── UsageError           a verb was called with words that do not fit     (2)
    ├── MissingExtraError    an optional library is not installed             (4)
    ├── RemoteError          another machine said no or nothing; retryable    (5)
    ├── SourceError          rows cannot be read from where they are
    ├── DataError            rows were read, yet cannot be used
    │   ├── ConservationError   read ≠ kept + quarantined + duplicate + late
    │   └── ExpectationError    a whole load is not as the project expects
    ├── TrainingError        no model can be learned from these rows
    ├── PackageError         a package cannot be written, read or trusted
    │   ├── ParityError         the graph does not give the trained model's answers
    │   └── TamperedError       a file differs from what the manifest promises
    ├── ReleaseError         a change of champion is impossible
    └── RequestError         a prediction request does not fit the signature

Every error says, in this order: where, what was seen, what is allowed, the nearest match, the next command.
Exit codes and HTTP statuses are chosen at the edge, from the class.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class MillraceError(Exception):
    """An error a user can act on; its text is built from its attributes.

    Parameters
    ----------
    seen
        What was found, in one or two sentences.
    where
        ``file:line:column``, or the stage and run.
    allowed
        What would have been accepted.
    nearest
        The most likely meaning, out of `allowed`.
    next_step
        The command or the edit that mends it.

    Examples
    --------
    >>> print(UsageError("`modle` is not a verb.", where="millrace", nearest="model"))
    millrace  usage
      `modle` is not a verb. Did you mean `model`?
    """

    code: str = "error"
    retryable: bool = False

    def __init__(
        self,
        seen: str,
        *,
        where: str = "",
        code: str = "",
        allowed: Iterable[str] = (),
        nearest: str | None = None,
        next_step: str = "",
    ) -> None:
        self.seen = seen
        self.where = where
        self.code = code or self.code
        self.allowed = tuple(allowed)
        self.nearest = nearest
        self.next_step = next_step
        super().__init__(seen)

    def __str__(self) -> str:
        heading = "  ".join(part for part in (self.where, self.code) if part)
        guess = f" Did you mean `{self.nearest}`?" if self.nearest else ""
        lines = [heading, f"  {self.seen}{guess}"]
        if self.allowed:
            lines.append(f"  Allowed here: {', '.join(self.allowed)}.")
        if self.next_step:
            lines.append(f"  Next: {self.next_step}")
        return "\n".join(lines)


class ProjectFileError(MillraceError):
    """The project file says something it cannot mean."""

    code = "config"


class ProjectFileErrors(ProjectFileError):  # noqa: N818 - it holds several
    """Everything that is wrong with a project file, at once; the attributes are those of the first problem.

    Examples
    --------
    >>> problems = [ProjectFileError(seen, where="m.yaml:1:1") for seen in ("A.", "B.")]
    >>> print(ProjectFileErrors(problems))
    m.yaml:1:1  config
      A.
    m.yaml:1:1  config
      B.
    """

    def __init__(self, problems: Iterable[ProjectFileError]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(
            first.seen,
            where=first.where,
            code=first.code,
            allowed=first.allowed,
            nearest=first.nearest,
            next_step=first.next_step,
        )

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class UsageError(MillraceError):
    """A verb or a function was called with words that do not fit."""

    code = "usage"


class MissingExtraError(MillraceError):
    """An optional library is not installed."""

    code = "extra.missing"


class RemoteError(MillraceError):
    """Another machine said no, or nothing; trying again may help."""

    code = "remote"
    retryable = True


class SourceError(MillraceError):
    """Rows cannot be read from where they are."""

    code = "source"


class DataError(MillraceError):
    """Rows were read, yet cannot be used as they are."""

    code = "data"


class ConservationError(DataError):
    """The counts of a commit do not add up; nothing was committed."""

    code = "data.conservation"


class ExpectationError(DataError):
    """A load is not as the project expects; its rows are in the table, and nothing went on with them."""

    code = "data.expectation"


class TrainingError(MillraceError):
    """No model can be learned from these rows."""

    code = "train"


class PackageError(MillraceError):
    """A package cannot be written, read or trusted."""

    code = "package"


class ParityError(PackageError):
    """The graph does not give the trained model's answers; no package was written."""

    code = "package.parity"


class TamperedError(PackageError):
    """A file of a package differs from what its manifest promises; nothing of it was loaded."""

    code = "package.tampered"


class ReleaseError(MillraceError):
    """A change of champion is impossible."""

    code = "release"


class RequestError(MillraceError):
    """A prediction request does not fit the package's signature; `row` counts from 0."""

    code = "request"

    def __init__(
        self, seen: str, *, code: str, allowed: Iterable[str] = (), row: int | None = None, field: str | None = None
    ) -> None:
        self.row = row
        self.field = field
        where = ", ".join(
            part for part in (f"row {row}" if row is not None else "", f"field {field}" if field else "") if part
        )
        super().__init__(seen, where=where or "request", code=code, allowed=allowed)


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Which of `candidates` the writer of `word` most likely meant; None when none is close.

    Examples
    --------
    >>> nearest("modle", ["model", "monitor"])
    'model'
    >>> nearest("xyz", ["model", "monitor"]) is None
    True
    """
    known = {candidate.casefold(): candidate for candidate in candidates}
    matches = get_close_matches(word.casefold(), known, n=1, cutoff=0.6)
    return known[matches[0]] if matches else None
