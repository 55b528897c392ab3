from __future__ import annotations

from millrace.serve.rate import Rate


def test_a_client_gets_its_rate_over_a_minute_however_it_asks() -> None:
    rate = Rate(5)
    passed = sum(rate.wait("a", tick / 100) == 0.0 for tick in range(6000))
    assert 300 <= passed <= 305


def test_a_slow_rate_lets_the_first_request_pass() -> None:
    rate = Rate(0.1)
    assert rate.wait("a", 0.0) == 0.0
    assert rate.wait("a", 0.0) == 10.0
    assert rate.wait("a", 10.0) == 0.0


def test_clients_do_not_count_for_each_other_and_memory_is_bounded() -> None:
    rate = Rate(1)
    assert all(rate.wait(str(client), 0.0) == 0.0 for client in range(20_000))
    assert len(rate._buckets) == 10_000
