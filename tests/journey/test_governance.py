"""A person's values go all the way from a file to predictions, and rest nowhere in plain."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from journey.conftest import Typed

PROJECT = """\
sources:
  people:
    from: data/people-*.csv
    key: email
    columns:
      age: {type: integer}
      phone: {type: text}
      born: {type: date}
    clean:
      - trim: all
      - drop_duplicates: email
    checks:
      of_age: age >= 18
      mail: email like '%@%'
    pii: {email: hash, phone: mask, born: encrypt, town: hash, name: drop}
model: {predict: stayed, budget: 5 s, drop: [email, born]}
serve: {port: 0}
"""
TOWNS = ("Quillborough", "Vexhampton", "Zyrford")


def person(number: int) -> dict[str, str]:
    return {
        "email": f"zz{number:04d}xq@private{number:04d}.example",
        "name": f"Xaverquorn{number:04d}",
        "phone": f"0{770_900_000 + number * 7_919}",
        "born": f"19{60 + number % 40}-0{1 + number % 9}-{10 + number % 18}",
        "town": TOWNS[number % 3],
    }


def lines(people: range) -> list[str]:
    draw = random.Random(3)
    made = []
    for number in people:
        age = draw.randrange(18, 90)
        stayed = "yes" if (age > 50) ^ (draw.random() < 0.1) else "no"
        made.append(",".join([*person(number).values(), str(age), stayed]))
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MILLRACE_PII_KEY", "k3y-" * 12)
    (tmp_path / "data").mkdir()
    (tmp_path / "millrace.yaml").write_text(PROJECT)
    rows = lines(range(300))
    refused = [
        ",".join([*person(900).values(), "12", "no"]),
        ",".join([*(person(901) | {"email": "zz0901xq at private0901.example"}).values(), "40", "no"]),
        ",".join([*(person(902) | {"born": "Tuesday0902"}).values(), "40", "no"]),
        ",".join([*person(903).values(), "old0903", "no"]),
    ]
    unreadable = [",".join([*person(904).values(), "40", "no", "surplus"]), f'"{person(905)["email"]},"x,1']
    text = "\n".join(["email,name,phone,born,town,age,stayed", *rows, rows[0], rows[5], *refused, *unreadable])
    (tmp_path / "data" / "people-1.csv").write_text(text + "\n")
    return tmp_path


def resting(folder: Path) -> Iterator[tuple[Path, str]]:
    """What rests in every file below the store, Parquet as the values it holds."""
    for path in sorted((folder / "store").rglob("*")):
        if path.is_file():
            yield path, path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            yield path, pl.read_parquet(path).write_ndjson()


def found(folder: Path, *texts: str) -> list[tuple[str, str]]:
    return [(str(path), text) for path, content in resting(folder) for text in texts if text in content]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "millrace", "serve", "--json", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield json.loads(server.stdout.readline())["url"]
        finally:
            server.send_signal(signal.SIGTERM)


def post(url: str, body: object) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def plain_texts() -> list[str]:
    people = [person(number) for number in (*range(300), *range(900, 907))]
    texts = {one[column] for one in people for column in ("email", "name", "phone", "town")}
    texts |= {one["email"].partition("@")[0] for one in people}
    return sorted(texts | {f'"{one["born"]}"' for one in people} | {"Tuesday0902", "zz0901xq at"})


@pytest.mark.journey
def test_no_personal_value_rests_in_plain(folder: Path, type_in: Typed, told: Callable[..., Any]) -> None:
    run = told("run")
    counts = run["ingest"]["people"]
    assert (counts["kept"], counts["duplicate"], counts["quarantined"]) == (300, 2, 6)
    type_in("explore")
    shown = type_in("quarantine", "show").stdout + type_in("quarantine", "list").stdout
    assert not [text for text in plain_texts() if text in shown]

    with served(folder) as url:
        answer = post(f"{url}/predict", {"rows": [{**person(906), "age": 70}]})
        (prediction,) = answer["predictions"]
        post(f"{url}/feedback", {"id": prediction["id"], "outcome": "yes"})
    type_in("monitor")
    assert prediction["label"] == "yes"
    log = pl.read_delta(str(folder / "store/log/predictions"))
    assert log["town"][0].startswith("hash:")
    assert found(folder, *plain_texts()) == []
