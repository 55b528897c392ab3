"""What is said of a file that is not what it was when it was read, by its fingerprints (``bytes-hash``)."""

from __future__ import annotations

from millrace.errors import SourceError


def since_ingested(key: str, before: str, now: str, where: str) -> SourceError:
    """It changed after rows of it were committed."""
    sizes = [int(print_.split("-")[0]) for print_ in (before, now)]
    how = "grew" if sizes[1] > sizes[0] else "shrank" if sizes[1] < sizes[0] else "was rewritten"
    return SourceError(
        f"`{key}` {how} since it was ingested ({sizes[0]:,} bytes then, {sizes[1]:,} now); "
        "reading it again would repeat or lose rows.",
        where=where,
        code="source.file-changed",
        next_step="restore the file and put new rows into a file beside it, or ingest into a new source name",
    )


def while_read(key: str, where: str) -> SourceError:
    """It changed before its last rows were given; this may pass by itself."""
    error = SourceError(
        f"`{key}` changed while it was read; these rows of it were not committed.",
        where=where,
        code="source.file-changing",
        next_step="run the same command again once nobody writes to it; `quiet: 10 s` waits for that by itself",
    )
    error.retryable = True
    return error
