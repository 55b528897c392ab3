"""Where rows come from: one file per kind, each yields batches with a position."""

from millrace.sources.base import Source, SourceKind
from millrace.sources.registry import open_source

__all__ = ["Source", "SourceKind", "open_source"]
