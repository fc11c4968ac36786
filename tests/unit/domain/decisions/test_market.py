"""Market conditions of known candles."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tradeops.domain.candles import Candle, CandleSeries, Gap
from tradeops.domain.decisions.market import SPAN, Trend, conditions

END = datetime(2026, 11, 25, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURS = SPAN // HOUR + 1


def series(
    step_today: float = 0.01, step_before: float = 0.005, *, volume_today: float = 20.0, hours: int = HOURS
) -> CandleSeries:
    """Prices that go up and down by a constant share of themselves each hour, by another one on the last day."""
    candles, price = [], 100.0
    for number in range(hours):
        today = number >= hours - 24
        step = step_today if today else step_before
        price *= math.exp(step if number % 2 else -step)
        opened = END - (hours - number) * HOUR
        candles.append(Candle(opened, price, price * 1.1, price * 0.9, price, volume_today if today else 10.0))
    return CandleSeries("BTCUSDT", "1h", tuple(candles), hours)


def drifting(share: float) -> CandleSeries:
    made = series(0.005)
    grown = tuple(
        replace(candle, close=candle.close * math.exp(share * max(0, n - (HOURS - 169)) / 168))
        for n, candle in enumerate(made.candles)
    )
    return replace(made, candles=grown)


def test_volatility_is_of_hourly_returns_annualised_against_its_average() -> None:
    found = conditions(series())
    assert found.as_of == END
    assert found.volatility_percent.value == pytest.approx(100 * 0.01 * math.sqrt(365 * 24), rel=0.02)
    assert found.usual_volatility_percent.value == pytest.approx(100 * 0.005 * math.sqrt(365 * 24), rel=0.02)
    assert found.volatility_ratio.value == pytest.approx(2.0, rel=0.02)


def test_a_change_of_the_price_is_no_volatility() -> None:
    """A price that climbs evenly and far in a day is calmer than one that comes back to where it was."""
    calm, wild = drifting(0.2), series(0.02)
    far, near = conditions(calm), conditions(wild)
    assert abs(far.change_week_percent.value or 0) > abs(near.change_week_percent.value or 0)
    assert (far.volatility_percent.value or 0) < (near.volatility_percent.value or 0)


def test_volume_is_compared_with_the_days_before() -> None:
    assert conditions(series()).volume_change_percent.value == pytest.approx(100.0)
    assert conditions(series(volume_today=5.0)).volume_change_percent.value == pytest.approx(-50.0)


@pytest.mark.parametrize(("share", "trend"), [(0.3, Trend.UP), (-0.3, Trend.DOWN), (0.01, Trend.FLAT)])
def test_a_trend_goes_further_than_chance(share: float, trend: Trend) -> None:
    assert conditions(drifting(share)).trend is trend


def test_too_few_days_give_no_average_and_no_trend() -> None:
    found = conditions(series(hours=24 * 5))
    assert found.volatility_percent.value is not None
    assert found.usual_volatility_percent.reason == "the volatility of only 4 earlier days is known"
    assert (found.volatility_ratio.value, found.volume_change_percent.value, found.trend) == (None, None, None)
    assert found.change_week_percent.reason == "the price 168 h ago is not known"


def test_a_day_with_gaps_is_not_known_rather_than_calm() -> None:
    whole = series()
    holed = tuple(c for n, c in enumerate(whole.candles) if n < HOURS - 24 or n % 4)
    found = conditions(replace(whole, candles=holed, gaps=(Gap(END - 10 * HOUR, 6),)))
    assert found.missing_candles == 6
    assert found.volatility_percent.value is None
    assert "hourly returns are known" in found.volatility_percent.reason
    assert found.volume_change_percent.value is None


def test_a_market_that_never_moves_has_no_ratio() -> None:
    found = conditions(series(0.0, 0.0))
    assert (found.volatility_percent.value, found.volatility_ratio.reason) == (0.0, "it is usually zero")
    assert found.trend is None


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (replace(series(hours=30), timeframe="5m"), "hourly candles are needed, not 5m"),
        (replace(series(hours=30), candles=()), "there are no candles"),
    ],
)
def test_other_candles_tell_nothing(given: CandleSeries, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        conditions(given)
