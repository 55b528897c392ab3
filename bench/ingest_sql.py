"""How fast a table of PostgreSQL becomes a checked, committed Delta table, beside the bare reading of the same rows.

    python bench/ingest_sql.py [ROWS]     # default 3,000,000 rows, in a PostgreSQL that is started for it

Each job runs in a process of its own, interleaved over three rounds; the median round counts. The peers hold the rows
in memory, check nothing and write nothing. ConnectorX is put into bench/.venv-peers where it is not there yet. Prints a
table; leaves bench/results/ingest_sql.json.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "tests"), str(HERE)]

from databases import postgresql  # noqa: E402
from ingest import MILLRACE, PEER_PYTHON, ROUNDS, timed  # noqa: E402

PROJECT = """\
version: 1
sources:
  trips:
    from: {url}
    table: trips
    key: id
    {cursor}
    checks:
      distance_not_negative: distance >= 0
      known_zone: zone in ('north', 'south', 'east', 'west')
      fare_not_negative: fare >= 0
model: {{predict: fare}}
"""
TABLE = """
create table trips as
select id, (array['north', 'south', 'east', 'west'])[1 + id % 4] as zone,
    timestamp '2026-01-01' + id * interval '1 second' as changed,
    case when id % 1000 = 0 then -1 else round((-ln(random() + 1e-9) * 5)::numeric, 2)::float8 end as distance,
    (1 + id % 6)::int as passengers, (random() * 50)::numeric(8, 2) as fare, random() as score,
    'note ' || id % 977 as note, id % 3 = 0 as card
from generate_series(1, {rows}) id"""
INDEXES = ("alter table trips add primary key (id)", "create index on trips (changed, id)", "analyze trips")
CONNECTORX = """
import connectorx, sys
table = connectorx.read_sql(sys.argv[2], "select * from trips", return_type="arrow")
assert table.num_rows > 0
"""
ADBC = """
import adbc_driver_postgresql.dbapi as dbapi, polars, sys
with dbapi.connect(sys.argv[2]) as connection, connection.cursor() as cursor:
    cursor.execute("select id, zone, changed, distance, passengers, fare::float8, score, note, card from trips")
    assert polars.DataFrame(cursor.fetch_arrow()).height > 0
"""


def main(rows: int) -> None:
    """Fill a server, run every job, print the table."""
    jobs = {
        "Millrace, by key: typed, checked, committed": (sys.executable, MILLRACE, ""),
        "Millrace, by cursor and key": (sys.executable, MILLRACE, "cursor: changed"),
        "ADBC, bare reading into Arrow": (sys.executable, ADBC, ""),
    }
    if connectorx():
        jobs["ConnectorX, bare reading into Arrow"] = (PEER_PYTHON, CONNECTORX, "")
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, postgresql() as server:
        fill(server.url, rows)
        measured = {name: [] for name in jobs}
        for _ in range(ROUNDS):
            for name, (python, code, cursor) in jobs.items():
                project = PROJECT.format(url=server.url, cursor=cursor)
                measured[name].append(timed(python, code, Path(folder), server.url, project))
    told(rows, measured)


def fill(url: str, rows: int) -> None:
    """A table of so many trips, one in a thousand with an impossible distance."""
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in (TABLE.format(rows=rows), *INDEXES):
            cursor.execute(statement)
        cursor.execute("select (pg_table_size('trips') / 1e6)::float8")
        print(f"{rows:,} rows, {cursor.fetchone()[0]:,.0f} MB in the server")


def connectorx() -> bool:
    """Whether ConnectorX is there; it is installed where it can be."""
    there = [str(PEER_PYTHON), "-c", "import connectorx, pyarrow"]
    if not PEER_PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", PEER_PYTHON.parent.parent], check=True)
    if subprocess.call(there, stderr=subprocess.DEVNULL):
        subprocess.call([PEER_PYTHON, "-m", "pip", "install", "--quiet", "connectorx", "pyarrow"])
    if missing := subprocess.call(there, stderr=subprocess.DEVNULL):
        print("ConnectorX is left out: it could not be installed into bench/.venv-peers")
    return not missing


def told(rows: int, measured: dict[str, list[tuple[float, float]]]) -> None:
    """Print the table, and leave it as JSON."""
    results = {}
    for name, runs in measured.items():
        seconds, memory = statistics.median(s for s, _ in runs), statistics.median(m for _, m in runs)
        results[name] = {"seconds": seconds, "rows_per_second": rows / seconds, "peak_mb": memory}
    ours = next(iter(results.values()))["rows_per_second"]
    print(f"\n{'':52}{'seconds':>9}{'rows/s':>13}{'peak MB':>9}  Millrace is as fast")
    for name, one in results.items():
        speed = one["rows_per_second"]
        print(f"{name:52}{one['seconds']:9.2f}{speed:13,.0f}{one['peak_mb']:9,.0f}  {ours / speed:.2f}x")
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "ingest_sql.json").write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3_000_000)
