"""How fast the records of an API become typed batches, beside bare fetching and decoding, and beside dlt.

    python bench/api.py [RECORDS] [PAGE]     # default 100,000 records in pages of 1,000

The API is a process of its own on a loopback port whose pages are made beforehand. Three rounds, the jobs interleaved;
the median counts. The bare job types nothing and remembers nothing; dlt's job yields its records and stores nothing.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ROUNDS = 3


def serve(records: int, size: int, port: multiprocessing.Queue) -> None:
    """Answer with pages of `size`, each naming a token for the next."""
    rows = [
        {"id": n, "at": f"2026-01-01T10:{n // 60 % 60:02}:{n % 60:02}Z", "plan": {"name": "ab"[n % 2], "seats": n % 9}}
        | {"name": f"customer {n}", "age": 20.5 + n % 50, "churned": n % 3 == 0, "visits": n, "note": None}
        for n in range(records)
    ]
    last = records - size
    pages = {
        at: json.dumps({"items": rows[at : at + size], "next_cursor": at + size if at < last else None}).encode()
        for at in range(0, records, size)
    }

    class Exchange(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16

        def do_GET(self) -> None:
            body = pages[int(parse_qs(urlsplit(self.path).query).get("cursor", ["0"])[0])]
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Exchange)
    port.put(server.server_address[1])
    server.serve_forever()


def bare(url: str) -> int:
    """Fetch and decode, nothing else."""
    import msgspec
    import urllib3

    pool, count, cursor = urllib3.PoolManager(), 0, "0"
    while cursor != "None":
        page = msgspec.json.decode(pool.request("GET", url, fields={"cursor": cursor}).data)
        count, cursor = count + len(page["items"]), str(page["next_cursor"])
    return count


def millrace(url: str) -> int:
    """Typed batches, each record once."""
    from pathlib import Path

    from millrace.config.schema import SourceSettings
    from millrace.sources import open_source

    said = {"from": url, "key": "id", "cursor": "at"}
    return sum(b.read for b in open_source("rows", SourceSettings.model_validate(said), Path()).batches(None))


def dlt(url: str) -> int:
    """Every record as dlt's client yields it."""
    from dlt.sources.helpers.rest_client import RESTClient
    from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

    paginator = JSONResponseCursorPaginator(cursor_path="next_cursor", cursor_param="cursor")
    pages = RESTClient(url.removesuffix("rows"), paginator=paginator, data_selector="items").paginate("rows")
    return sum(len(page) for page in pages)


def main(records: int = 100_000, size: int = 1_000) -> None:
    """Measure, and print a line per job."""
    port: multiprocessing.Queue = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(records, size, port), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{port.get()}/rows"
    jobs = {"bare": bare, "millrace": millrace, "dlt, records only": dlt}
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    try:
        for _ in range(ROUNDS):
            for name, job in jobs.items():
                began = time.perf_counter()
                assert job(url) == records, name
                seconds[name].append(time.perf_counter() - began)
    finally:
        server.kill()
    least = statistics.median(seconds["bare"])
    for name, found in seconds.items():
        middle = statistics.median(found)
        print(f"{name:20} {middle:6.2f} s  {records / middle:10,.0f} records/s  {middle / least:5.1f} x bare")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
