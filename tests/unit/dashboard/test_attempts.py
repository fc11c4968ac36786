"""How many wrong tokens are put up with."""

from datetime import timedelta

import pytest

from tradeops.dashboard import attempts
from tradeops.dashboard.attempts import Attempts, Patience, grouped

PATIENCE = Patience(of_one=3, of_all=6, window=timedelta(seconds=60), longest=timedelta(seconds=200))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tried(clock: Clock) -> Attempts:
    return Attempts(PATIENCE, clock=clock)


def fail(tried: Attempts, client: str, times: int) -> None:
    for _ in range(times):
        tried.failed(client)


def test_the_third_wrong_token_locks_out_that_visitor_alone(tried: Attempts) -> None:
    fail(tried, "192.0.2.1", 2)
    assert tried.wait("192.0.2.1") is None
    fail(tried, "192.0.2.1", 1)
    assert tried.wait("192.0.2.1") == timedelta(seconds=60)
    assert tried.wait("192.0.2.2") is None


def test_each_lock_out_that_follows_lasts_twice_as_long_up_to_a_bound(tried: Attempts, clock: Clock) -> None:
    waits = []
    for _ in range(4):
        fail(tried, "192.0.2.1", 3)
        wait = tried.wait("192.0.2.1")
        assert wait is not None
        waits.append(wait.total_seconds())
        clock.now += wait.total_seconds()
        assert tried.wait("192.0.2.1") is None
    assert waits == [60, 120, 200, 200]


def test_wrong_tokens_are_forgotten_after_a_while(tried: Attempts, clock: Clock) -> None:
    fail(tried, "192.0.2.1", 2)
    clock.now += 61
    fail(tried, "192.0.2.1", 2)
    assert tried.wait("192.0.2.1") is None


def test_many_visitors_together_lock_out_every_stranger_but_nobody_who_knew_the_token(
    tried: Attempts, clock: Clock
) -> None:
    tried.succeeded("198.51.100.7")
    for number in range(6):
        tried.failed(f"192.0.2.{number}")
    assert tried.wait("192.0.2.200") == timedelta(seconds=60)
    assert tried.wait("198.51.100.7") is None
    clock.now += 60
    assert tried.wait("192.0.2.200") is None


def test_the_right_token_wipes_the_slate(tried: Attempts) -> None:
    fail(tried, "192.0.2.1", 2)
    tried.succeeded("192.0.2.1")
    fail(tried, "192.0.2.1", 2)
    assert tried.wait("192.0.2.1") is None


def test_a_line_with_ever_new_addresses_is_one_visitor(tried: Attempts) -> None:
    for number in range(3):
        tried.failed(f"2001:db8:1:2::{number:x}")
    assert tried.wait("2001:db8:1:2:ffff::1") is not None
    assert tried.wait("2001:db8:1:3::1") is None


def test_an_address_written_in_two_ways_is_one_visitor() -> None:
    assert grouped("::ffff:192.0.2.1") == grouped("192.0.2.1") == "192.0.2.1"
    assert grouped("fe80::1%eth0") == grouped("fe80::2")
    assert grouped("unknown") == "unknown"


def test_the_memory_is_bounded(tried: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST_CLIENTS", 10)
    for number in range(100):
        tried.failed(f"192.0.2.{number}")
        tried.succeeded(f"198.51.100.{number}")
    assert len(tried._records) <= 10
    assert len(tried._welcome) <= 10
