"""The market's candles fit together, whatever their period and whenever they are looked at."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.market import DAYS_SINCE_USUAL_PRICE, HISTORY_DAYS, MINUTE_MS, Candle, Market, decimals
from sandbox.regimes import PHASES, Regime
from sandbox.symbols import TRADED, USUAL_PRICES
from tests.sandbox.worlds import START

NOW = round(START.timestamp() * 1000)
HOUR_MS = 60 * MINUTE_MS
PERIODS = [minutes * MINUTE_MS for minutes in (1, 3, 5, 15, 30, 60, 240, 1440)]
MARKET = Market(3, START, PHASES["healthy"])


def last(period_ms: int, count: int, now_ms: int = NOW, market: Market = MARKET) -> list[Candle]:
    return market.candles("ETHUSDT", period_ms, now_ms - count * period_ms, now_ms)


def folded(minutes: list[Candle]) -> tuple[float, float, float, float, float]:
    volume = sum(minute.volume for minute in minutes)
    highest, lowest = max(minute.high for minute in minutes), min(minute.low for minute in minutes)
    return minutes[0].open, highest, lowest, minutes[-1].close, pytest.approx(volume)


@pytest.mark.parametrize("period_ms", PERIODS)
def test_candles_follow_each_other_and_only_the_last_is_open(period_ms: int) -> None:
    candles = last(period_ms, 10)
    assert [candle.closed for candle in candles] == [True] * 9 + [False]
    assert all(b.opened_ms - a.opened_ms == period_ms and b.open == a.close for a, b in pairwise(candles))
    assert all(candle.opened_ms % period_ms == 0 for candle in candles)


@pytest.mark.parametrize("period_ms", PERIODS[1:])
def test_a_candle_is_its_minutes_also_while_it_is_open(period_ms: int) -> None:
    for candle in last(period_ms, 4):
        minutes = MARKET.candles("ETHUSDT", MINUTE_MS, candle.opened_ms, NOW)[: period_ms // MINUTE_MS]
        assert (candle.open, candle.high, candle.low, candle.close, candle.volume) == folded(minutes)


@given(st.integers(0, 3 * 24 * HOUR_MS), st.sampled_from(PERIODS))
def test_no_price_lies_outside_of_its_candle(later_ms: int, period_ms: int) -> None:
    newest = last(period_ms, 3, NOW + later_ms)[-1]
    assert newest.low <= min(newest.open, newest.close) <= max(newest.open, newest.close) <= newest.high
    assert newest.close == MARKET.price("ETHUSDT", NOW + later_ms)
    assert newest.volume >= 0


def test_within_a_minute_the_candle_only_grows_and_ends_as_what_stays() -> None:
    seen = [last(MINUTE_MS, 1, NOW - NOW % MINUTE_MS + ms)[-1] for ms in range(0, MINUTE_MS, 500)]
    final = MARKET.candles("ETHUSDT", MINUTE_MS, seen[0].opened_ms, NOW + MINUTE_MS)[0]
    assert all(a.high <= b.high and a.low >= b.low and a.volume <= b.volume for a, b in pairwise(seen))
    assert len({candle.close for candle in seen}) > 50
    assert (final.open, final.closed) == (seen[0].open, True)
    assert final.high >= seen[-1].high
    assert final.close == pytest.approx(seen[-1].close, rel=1e-4)


def test_history_does_not_change_while_time_goes_on() -> None:
    fresh = Market(3, START, PHASES["healthy"])
    before = last(HOUR_MS, 500, market=fresh)[:-1]
    fresh.price("ETHUSDT", NOW + 5 * 24 * HOUR_MS)
    assert last(HOUR_MS, 500, market=fresh)[:-1] == before


def test_history_reaches_75_days_back_and_no_further() -> None:
    daily = MARKET.candles("BTCUSDT", 24 * HOUR_MS, 0, NOW)
    hourly = MARKET.candles("BTCUSDT", HOUR_MS, 0, NOW)
    assert len(daily) == 75
    assert len(hourly) == 75 * 24 + 1


def test_nothing_has_opened_after_now() -> None:
    assert MARKET.candles("BTCUSDT", HOUR_MS, NOW + 1, NOW) == []


def test_the_same_seed_makes_the_same_market_and_another_one_another() -> None:
    one, same, other = (Market(seed, START, PHASES["healthy"]) for seed in (5, 5, 6))
    assert last(HOUR_MS, 99, market=one) == last(HOUR_MS, 99, market=same)
    assert last(HOUR_MS, 99, market=one) != last(HOUR_MS, 99, market=other)


def test_each_symbol_costs_the_usual_before_the_last_phases_begin_and_goes_its_own_way() -> None:
    then = MARKET.first_ms + (HISTORY_DAYS - DAYS_SINCE_USUAL_PRICE) * 24 * HOUR_MS
    assert {symbol: MARKET.price(symbol, then) for symbol in USUAL_PRICES} == pytest.approx(dict(USUAL_PRICES))
    ratios = {MARKET.price(symbol, NOW) / price for symbol, price in USUAL_PRICES.items()}
    assert len(ratios) == len(MARKET.symbols) >= 50
    assert all(0.5 < ratio < 2 for ratio in ratios)
    assert MARKET.symbols[:4] == TRADED


def test_a_symbol_that_was_put_aside_comes_back_as_it_was() -> None:
    before = MARKET.candles("XRPUSDT", HOUR_MS, NOW - 99 * HOUR_MS, NOW + 30 * HOUR_MS)
    for symbol in MARKET.symbols:
        MARKET.price(symbol, NOW)
    assert MARKET.candles("XRPUSDT", HOUR_MS, NOW - 99 * HOUR_MS, NOW + 30 * HOUR_MS) == before


def test_a_degrading_market_turns_more_often() -> None:
    def turns(regime: Regime) -> int:
        candles = Market(3, START, PHASES[regime]).candles("BTCUSDT", 4 * HOUR_MS, NOW - 8 * 24 * HOUR_MS, NOW)
        rises = [b.close > a.close for a, b in pairwise(candles)]
        return sum(a != b for a, b in pairwise(rises))

    assert turns("degrading") > 1.5 * turns("healthy")


@pytest.mark.parametrize(
    ("price", "digits"), [(90_000.0, 2), (999.0, 2), (138.0, 2), (2.2, 4), (0.15, 5), (0.0000046, 10)]
)
def test_small_prices_have_more_decimals(price: float, digits: int) -> None:
    assert decimals(price) == digits
