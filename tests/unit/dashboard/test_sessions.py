"""Who knows the token, and for how long."""

import base64

import pytest

from tradeops.dashboard import sessions as at_work
from tradeops.dashboard.sessions import LASTS, Sessions

TOKEN = "correct-horse-battery"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(TOKEN, clock=clock)


@pytest.mark.parametrize("wrong", ["", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "ünïcödé", "\udcff"])
def test_only_the_token_is_the_token(wrong: str, sessions: Sessions) -> None:
    assert sessions.knows(TOKEN)
    assert not sessions.knows(wrong)


def test_a_session_lasts_its_time_and_survives_a_restart(clock: Clock, sessions: Sessions) -> None:
    cookie = sessions.begin()
    clock.now += LASTS.total_seconds() - 1
    assert sessions.accepts(cookie)
    assert Sessions(TOKEN, clock=clock).accepts(cookie)
    clock.now += 1
    assert not sessions.accepts(cookie)


def test_a_new_token_ends_every_session(clock: Clock, sessions: Sessions) -> None:
    assert not Sessions("another-token-altogether", clock=clock).accepts(sessions.begin())


def test_logging_out_ends_that_session_alone(sessions: Sessions) -> None:
    mine, other = sessions.begin(), sessions.begin()
    sessions.end(mine)
    assert not sessions.accepts(mine)
    assert sessions.accepts(other)


def test_the_memory_of_ended_sessions_is_bounded(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_work, "MOST_ENDED", 3)
    for _ in range(9):
        sessions.end(sessions.begin())
    assert len(sessions._ended) == 3


def test_a_cookie_that_was_changed_anywhere_is_refused(sessions: Sessions) -> None:
    raw = base64.urlsafe_b64decode(sessions.begin())
    for place in range(len(raw)):
        changed = bytes(byte ^ (place == at) for at, byte in enumerate(raw))
        assert not sessions.accepts(base64.urlsafe_b64encode(changed).decode())


@pytest.mark.parametrize("nonsense", ["", "a", "====", "é", "A" * 64, "A" * 5000, "\x00", "a b"])
def test_nonsense_is_no_cookie_and_ends_nothing(nonsense: str, sessions: Sessions) -> None:
    assert not sessions.accepts(nonsense)
    sessions.end(nonsense)


def test_the_cookie_does_not_hold_the_token(sessions: Sessions) -> None:
    assert TOKEN.encode() not in base64.urlsafe_b64decode(sessions.begin())
