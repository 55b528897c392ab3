import polars as pl

from millrace.config.schema import SourceSettings
from millrace.sources.files.delimited import DelimitedFormat
from millrace.sources.files.source import FileSource


def source(path, schema=None, batch_rows=200_000, **settings):
    return FileSource(
        "s", SourceSettings(**{"from": path.name}, **settings), path.parent, schema, DelimitedFormat, batch_rows
    )


def write(folder, content, name="a.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(source):
    batches = list(source.batches(None))
    frames = [batch.frame for batch in batches]
    rows = pl.concat(frames).rows() if frames else []
    return rows, [row for batch in batches for row in batch.refused.rows()]
