from __future__ import annotations

import multiprocessing
import os
import resource
import signal
from pathlib import Path

import pytest

from millrace.errors import DataError
from millrace.store import segments
from millrace.store.segments import SegmentWriter, abandoned, discard, number, records, sealed, workers


def _contents(folder: Path) -> list[bytes]:
    return [payload for worker in workers(folder) for segment in sealed(worker) for payload in records(segment)]


def test_a_closed_writer_leaves_every_record_in_order(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, lambda: b"head") as writer:
        for payload in (b"a", b"b" * 10_000, b"c"):
            writer.append(payload)
    assert _contents(tmp_path) == [b"head", b"a", b"b" * 10_000, b"c"]


def test_an_open_segment_of_a_living_writer_is_not_sealed(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, lambda: b"head") as writer:
        writer.append(b"a")
        (worker,) = workers(tmp_path)
        assert not abandoned(worker)
        assert sealed(worker) == ()
        writer.seal()
        writer.append(b"b")
        assert [number(path) for path in sealed(worker)] == [1]


def test_each_segment_begins_with_who_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "SEAL_BYTES", 1)
    with SegmentWriter(tmp_path, lambda: b"head") as writer:
        writer.append(b"a")
        writer.append(b"b")
    assert _contents(tmp_path) == [b"head", b"a", b"head", b"b"]


def _write_until_killed(folder: str, sender: object) -> None:
    writer = SegmentWriter(Path(folder), lambda: b"head")
    for index in range(1_000_000):
        writer.append(b"%d" % index)
        sender.send(index)  # type: ignore[attr-defined]


def test_a_killed_writer_leaves_every_record_it_confirmed(tmp_path: Path) -> None:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_write_until_killed, args=(str(tmp_path), sender))
    process.start()
    sender.close()
    confirmed = [receiver.recv() for _ in range(500)]
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    (worker,) = workers(tmp_path)
    assert abandoned(worker)
    written = {int(payload) for payload in _contents(tmp_path) if payload != b"head"}
    assert set(confirmed) <= written


def _fill(writer: SegmentWriter, confirmed: list[bytes]) -> None:
    for index in range(1000):
        writer.append(b"%07d" % index)
        confirmed.append(b"%07d" % index)


def test_a_full_disk_is_an_error_and_what_was_confirmed_stays_readable(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    confirmed: list[bytes] = []
    with SegmentWriter(tmp_path, lambda: b"head") as writer:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            with pytest.raises(OSError, match=r"cannot be written|too large"):
                _fill(writer, confirmed)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        writer.append(b"after")
    assert len(confirmed) > 10
    assert _contents(tmp_path) == [b"head", *confirmed, b"after"]


def _segment(folder: Path) -> Path:
    with SegmentWriter(folder, lambda: b"head") as writer:
        writer.append(b"first")
        writer.append(b"second")
    (worker,) = workers(folder)
    (segment,) = sealed(worker)
    return segment


def test_a_segment_whose_opening_cannot_be_written_is_begun_anew(tmp_path: Path) -> None:
    openings = iter([b"h" * 2000, b"head"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with SegmentWriter(tmp_path, lambda: next(openings)) as writer:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            with pytest.raises(OSError, match="the prediction log cannot be written"):
                writer.append(b"first")
            writer.append(b"second")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert _contents(tmp_path) == [b"head", b"second"]


@pytest.mark.parametrize("cut", [1, 5, 6, 9, 13])
def test_an_incomplete_last_record_is_left_out(tmp_path: Path, cut: int) -> None:
    segment = _segment(tmp_path)
    segment.write_bytes(segment.read_bytes()[:-cut])
    assert list(records(segment)) == [b"head", b"first"]


def test_a_tail_of_zeros_is_left_out(tmp_path: Path) -> None:
    segment = _segment(tmp_path)
    segment.write_bytes(segment.read_bytes() + bytes(100))
    assert list(records(segment)) == [b"head", b"first", b"second"]


def test_a_damaged_record_before_the_last_is_an_error(tmp_path: Path) -> None:
    segment = _segment(tmp_path)
    segment.write_bytes(segment.read_bytes().replace(b"first", b"fIrst"))
    with pytest.raises(DataError, match="byte 12 is damaged"):
        list(records(segment))


def test_settled_segments_and_the_folder_of_a_gone_writer_are_removed(tmp_path: Path) -> None:
    segment = _segment(tmp_path)
    discard(segment.parent, [segment])
    assert list(tmp_path.iterdir()) == []
