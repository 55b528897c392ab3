"""Real processes of `millrace up`, calm ones and such that kill themselves with SIGKILL, and what they may leave."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from millrace.package.api import Package
from millrace.project import Project
from millrace.store.audit import verify

PROJECT = """\
version: 1
project: mini
sources:
  events: {from: "events-*.csv", key: id, quiet: 0.2}
model: {predict: y, budget: 1 trials, drop: [id]}
serve: {port: 0}
up: {ingest: 1 s, monitor: 1 min%s}
retrain: {when: ["30 min"], cooldown: 30 min}
"""
#: Runs a verb and dies before its nth sign of life, a step that it tells or an object that it writes; or so many
#: seconds after it, wherever it is then.
DYING = """
import os, signal, sys, threading
from millrace.records import progress
from millrace.store.objects import Store

later, left = float(sys.argv.pop(2)), int(sys.argv.pop(1))

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def sign():
    global left
    left -= 1
    if left == 0 and not later:
        die()
    if left == 0:
        threading.Timer(later, die).start()

def around(method):
    def counted(self, key, content):
        if key.startswith("up/"):  # the status is written by a thread of its own
            return method(self, key, content)
        sign()
        done = method(self, key, content)
        sign()
        return done
    return counted

Store.create, Store.write = around(Store.create), around(Store.write)
import millrace.cli.progress
from contextlib import contextmanager

@contextmanager
def watching(as_json):
    yield lambda step: sign()

import millrace.cli.up
millrace.cli.up.watching = watching
from millrace.cli.edge import run

status = run(sys.argv[1:])
print(json_left := left, file=sys.stderr)
sys.exit(status)
"""


def events(path: Path, rows: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    inputs = draw.normal(size=(rows, 2))
    truth = draw.random(rows) < 1 / (1 + np.exp(-4 * inputs.sum(axis=1)))
    lines = [
        f"{seed}-{n},{a:.4f},{b:.4f},{'yes' if y else 'no'}"
        for n, ((a, b), y) in enumerate(zip(inputs, truth, strict=True))
    ]
    path.write_text("\n".join(["id,a,b,y", *lines]) + "\n")


@contextmanager
def running(folder: Path, command: list[str]) -> Iterator[tuple[subprocess.Popen[str], Callable[[str], str]]]:
    """A process, and what reads its news until a job said something that holds a word."""
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )

    def news(job: str, word: str = "") -> str:
        assert process.stdout
        for line in process.stdout:
            state = json.loads(line)
            if state["name"] == job and word in state["said"]:
                return str(state["said"])
        pytest.fail(f"{job} never said {word!r}: {process.stderr.read() if process.stderr else ''}")

    late = threading.Timer(180, process.kill)  # then there is no more news, and whoever waits for it says so
    late.start()
    try:
        yield process, news
    finally:
        late.cancel()
        if process.poll() is None:
            process.kill()
        process.communicate()


def dying(sign: int, later: float = 0.0, verb: Sequence[str] = ("up", "--json")) -> list[str]:
    """A verb, `millrace up --json` if none is named, that dies before its nth sign of life, or seconds `later`."""
    return [sys.executable, "-c", DYING, str(sign), str(later), *verb]


def millrace(*words: str) -> list[str]:
    return [sys.executable, "-m", "millrace", *words]


def assert_before_or_after(project: Project, rows: set[int], releases: set[int]) -> None:
    """The table is of before or after, every champion is whole and has its run on record, nothing happened twice."""
    table = project.dataset()
    assert table.height in rows
    assert table["id"].n_unique() == table.height
    past = project.history()
    assert len(past) in releases
    for release in past:
        project.verify(release.version)
        assert project.store.read(f"runs/{release.evidence['run']}.json")
    assert len(Package.load(project.verify(past[-1].version).path).predict(table.head(3))) == 3
    assert verify(project.store).intact
