"""The day as the archive's trades and the engine's positions make it, and when it cannot be told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tradeops.adapters.store import Point
from tradeops.domain.day_start import Worth
from tradeops.domain.loss_limits import Limits
from tradeops.domain.losses import Today
from tradeops.domain.portfolio.portfolio import ClosedTrade, OpenTrade, Side
from tradeops.jobs.window.history import History
from tradeops.jobs.window.live import Look
from tradeops.jobs.window.recent import Recent
from tradeops.jobs.window.today import NEVER, Day, Days

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
MIDNIGHT, ONE = NOW.replace(hour=0), Decimal(1)
SEEN = Worth(MIDNIGHT, Decimal(1000), marks={})
HELD = OpenTrade("t1", "BTCUSDT", Side.LONG, ONE, ONE, 1, NOW - 5 * MINUTE, Decimal(-30))
CLOSED = ClosedTrade("t1", "BTCUSDT", Side.LONG, ONE, ONE, ONE, 1, Decimal(-31), NOW - 5 * MINUTE, NOW)


def looked(at: datetime, *opened: OpenTrade) -> Look:
    return Look(at, as_of=at, balance=Decimal(1000), equity=Decimal(970), open_trades=opened, is_running=True)


def kept(*trades: ClosedTrade) -> Recent:
    return Recent(NOW, MIDNIGHT, trades, (SEEN,))


def minutes(at: datetime | None) -> History:
    history = History("equity_minutes", lambda _: "d", lambda _: {})
    history.newest = None if at is None else Point("m", at, {})
    history._older.is_whole = True
    return history


def usd(day: Day) -> Any:  # noqa: ANN401 - or the text of why not
    return day.brought.usd if isinstance(day.brought, Today) else day.brought


def test_a_trade_that_closes_counts_once_at_every_moment() -> None:
    days, equity = Days(), minutes(NOW)
    lost = [
        usd(days.of(Limits(), recent, look, equity, now=NOW + seconds * SECOND))
        for seconds, recent, look in (
            (0, kept(), looked(NOW, HELD)),
            (4, kept(), looked(NOW + 4 * SECOND)),  # closed, and not in the archive yet
            (5, kept(CLOSED), looked(NOW + 4 * SECOND)),
            (6, kept(CLOSED), looked(NOW + 4 * SECOND, HELD)),  # a look that was on its way
        )
    ]
    assert lost == [30, 30, 31, 31]


def test_what_vanished_without_a_trade_is_forgotten() -> None:
    days, equity = Days(), minutes(NOW)
    days.of(Limits(), kept(), looked(NOW, HELD), equity, now=NOW)
    later = NOW + MINUTE
    assert usd(days.of(Limits(), kept(), looked(later), equity, now=later)) == 0


@pytest.mark.parametrize(
    ("at", "says"),
    [(None, NEVER), (NOW - 10 * MINUTE, "the watchdog, which last kept anything at 2026-11-25 11:50"), (NOW, 0)],
    ids=["never", "not lately", "a moment ago"],
)
def test_a_day_that_nobody_watches_is_not_a_day_without_losses(at: datetime | None, says: object) -> None:
    found = usd(Days().of(Limits(), kept(), looked(NOW), minutes(at), now=NOW))
    assert found == says or str(says) in str(found)


def test_a_silent_engine_and_old_figures_tell_no_profit() -> None:
    equity = minutes(NOW)
    assert usd(Days().of(Limits(), kept(CLOSED), Look(NOW, "refused"), equity, now=NOW)) == "refused"
    old = replace(looked(NOW), as_of=NOW - 5 * MINUTE)
    assert "300 s old" in usd(Days().of(Limits(), kept(CLOSED), old, equity, now=NOW))
