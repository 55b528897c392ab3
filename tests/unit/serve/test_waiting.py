"""The line before the model is as long as it may be, and no longer."""

from __future__ import annotations

import asyncio

import pytest

from millrace.serve.waiting import ASIDE_BYTES, BusyError, Waiting


def asked(waiting: Waiting, bodies: list[bytes]) -> list[object]:
    """What each of some requests that are ready at once is told: its body's length, or that the line is full."""

    async def ask() -> list[object]:
        return list(await asyncio.gather(*(waiting.turn(body, len) for body in bodies), return_exceptions=True))

    return [answer if isinstance(answer, int) else type(answer) for answer in asyncio.run(ask())]


def test_of_requests_that_are_ready_at_once_the_first_are_answered_and_the_others_told_to_come_again() -> None:
    assert asked(Waiting(3), [b"a", b"bb", b"ccc", b"dddd", b"e"]) == [1, 2, 3, BusyError, BusyError]


def test_those_who_come_after_them_find_the_line_free() -> None:
    waiting = Waiting(2)

    async def one_after_another() -> list[int]:
        answers = []
        for _ in range(9):
            answers.append(await waiting.turn(b"a", len))
            await asyncio.sleep(0)
        return answers

    assert asyncio.run(one_after_another()) == [1] * 9


def test_large_requests_stand_in_the_same_line_until_they_are_answered() -> None:
    large = b"x" * (ASIDE_BYTES + 1)
    assert asked(Waiting(2), [large, b"a", b"b"]) == [len(large), 1, BusyError]


def test_a_request_that_fails_gives_its_place_back() -> None:
    waiting = Waiting(1)

    async def fail() -> None:
        with pytest.raises(ZeroDivisionError):
            await waiting.turn(b"x" * (ASIDE_BYTES + 1), lambda _: 1 // 0)
        assert await waiting.turn(b"a", len) == 1

    asyncio.run(fail())
