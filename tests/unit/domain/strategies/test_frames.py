"""Two timeframes, and nothing of the longer one before it was over."""

import numpy as np
import pytest

from tests.unit.domain.strategies.markets import candles, market
from tradeops.domain.strategies.frames import REMEMBERED, Frames, confirmation_of

HOURS = candles(market(1, 60))


def test_a_candle_of_four_hours_is_known_from_the_close_of_its_last_hour_on() -> None:
    confirmed = Frames(HOURS).confirmed
    assert confirmed[:9].tolist() == [-1, -1, -1, 0, 0, 0, 0, 1, 1]


def test_values_are_seen_as_they_were_known() -> None:
    frames = Frames(HOURS)
    seen = frames.seen(frames.confirmation.close)
    assert np.isnan(seen[:3]).all()
    assert seen[3] == HOURS.close[3]
    assert seen[6] == HOURS.close[3]
    assert seen[7] == HOURS.close[7]


def test_without_a_longer_candle_nothing_is_seen() -> None:
    frames = Frames(HOURS.first(3))
    assert np.isnan(frames.seen(frames.confirmation.close)).all()


@pytest.mark.parametrize(
    ("timeframe", "longer"),
    [("1m", "5m"), ("3m", "15m"), ("5m", "30m"), ("15m", "1h"), ("30m", "4h"), ("1h", "4h"), ("4h", "1d")],
)
def test_each_timeframe_is_confirmed_by_one_at_least_four_times_as_long(timeframe: str, longer: str) -> None:
    assert confirmation_of(timeframe) == longer


def test_days_are_confirmed_by_nothing() -> None:
    with pytest.raises(ValueError, match="1d has no longer timeframe that could confirm"):
        Frames(candles(market(1, 5), timeframe="1d"))


def test_what_was_computed_is_kept_until_too_much_is() -> None:
    frames, computed = Frames(HOURS), []

    def compute(number: int) -> int:
        computed.append(number)
        return number

    for number in (*range(REMEMBERED), 0, REMEMBERED, 0, 1):
        assert frames.remembered(number, lambda number=number: compute(number)) == number
    assert computed == [*range(REMEMBERED), REMEMBERED, 1]
