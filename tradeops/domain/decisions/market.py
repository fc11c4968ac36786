"""Market conditions out of hourly candles: what the price does, and whether that is more than it usually does. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import fmean

from tradeops.domain.candles import Candle, CandleSeries
from tradeops.domain.figures import Figure, known, unknown

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TIMEFRAME = "1h"
SPAN = 31 * DAY  # the last day, and the 30 before it that it is measured against
HOURS_A_YEAR = 365 * 24
HOURS_A_WEEK = 7 * 24
FULL_DAY = 22  # so many of a day's 24 hours must be there
FEWEST_DAYS = 7  # for an average
CLEAR = 1.0  # so many standard deviations of a week's random walk make a trend


class Trend(StrEnum):
    """Where the price went in seven days, if further than chance takes it in most weeks."""

    UP = "up"
    DOWN = "down"
    FLAT = "flat"


@dataclass(frozen=True, slots=True)
class MarketConditions:
    """How one symbol trades.

    Attributes:
        as_of: when the last candle closed.
        volatility_percent: realised, of the last 24 h, annualised: √(mean squared hourly log return × hours a year).
        usual_volatility_percent: the mean of the same of each of the 30 days before.
        volatility_ratio: the first divided by the second.
        change_day_percent: of the price, in 24 h; no measure of volatility.
        change_week_percent: in seven days.
        trend: `None` when it cannot be told.
        volume_change_percent: of the last 24 h against the mean of the 30 days before.
        missing_candles: of the whole span.
    """

    symbol: str
    as_of: datetime
    volatility_percent: Figure
    usual_volatility_percent: Figure
    volatility_ratio: Figure
    change_day_percent: Figure
    change_week_percent: Figure
    trend: Trend | None
    volume_change_percent: Figure
    missing_candles: int


def conditions(series: CandleSeries) -> MarketConditions:
    """The conditions at the end of a series of closed hourly candles; 31 days of them tell everything.

    Raises:
        ValueError: candles of another length, or none.
    """
    if series.timeframe != TIMEFRAME:
        raise ValueError(f"hourly candles are needed, not {series.timeframe}")
    if not series.candles:
        raise ValueError("there are no candles")
    end = series.candles[-1].opened_at + HOUR
    days = [_between(series.candles, end - (n + 1) * DAY, end - n * DAY) for n in range(SPAN // DAY)]
    today, before = days[0], days[1:]
    now = _volatility(today)
    usual = _average([_volatility(day) for day in before], "volatility")
    week = _change(series.candles, end, 7 * DAY)
    return MarketConditions(
        symbol=series.symbol,
        as_of=end,
        volatility_percent=now,
        usual_volatility_percent=usual,
        volatility_ratio=_ratio(now, usual),
        change_day_percent=_change(series.candles, end, DAY),
        change_week_percent=week,
        trend=_trend(week, usual),
        volume_change_percent=_growth(_volume(today), _average([_volume(day) for day in before], "volume")),
        missing_candles=sum(gap.missing for gap in series.gaps),
    )


def _between(candles: Sequence[Candle], since: datetime, until: datetime) -> list[Candle]:
    return [candle for candle in candles if since <= candle.opened_at < until]


def _volatility(day: Sequence[Candle]) -> Figure:
    """Of returns between neighbouring hours alone: a gap is no calm hour."""
    steps = [
        math.log(later.close / earlier.close)
        for earlier, later in pairwise(day)
        if later.opened_at - earlier.opened_at == HOUR
    ]
    if len(steps) < FULL_DAY - 1:
        return unknown(f"only {len(steps)} of the day's hourly returns are known")
    return known(100 * math.sqrt(fmean(step * step for step in steps) * HOURS_A_YEAR))


def _volume(day: Sequence[Candle]) -> Figure:
    if len(day) < FULL_DAY:
        return unknown(f"only {len(day)} of the day's 24 hours are known")
    return known(math.fsum(candle.volume for candle in day) / len(day) * 24)


def _average(figures: Sequence[Figure], what: str) -> Figure:
    values = [figure.value for figure in figures if figure.value is not None]
    if len(values) < FEWEST_DAYS:
        return unknown(f"the {what} of only {len(values)} earlier days is known")
    return known(fmean(values))


def _ratio(part: Figure, whole: Figure) -> Figure:
    if part.value is None or whole.value is None:
        return unknown(part.reason or whole.reason)
    if not whole.value:
        return unknown("it is usually zero")
    return known(part.value / whole.value)


def _growth(now: Figure, usual: Figure) -> Figure:
    ratio = _ratio(now, usual)
    return ratio if ratio.value is None else known(100 * (ratio.value - 1))


def _change(candles: Sequence[Candle], end: datetime, span: timedelta) -> Figure:
    """From the close at the beginning of the span to the last close."""
    before = next((c.close for c in reversed(candles) if c.opened_at + HOUR == end - span), None)
    if before is None:
        return unknown(f"the price {span // HOUR} h ago is not known")
    return known(100 * (candles[-1].close / before - 1))


def _trend(week_percent: Figure, usual_percent: Figure) -> Trend | None:
    if week_percent.value is None or not usual_percent.value:
        return None
    random_walk_percent = usual_percent.value * math.sqrt(HOURS_A_WEEK / HOURS_A_YEAR)
    if abs(week_percent.value) <= CLEAR * random_walk_percent:
        return Trend.FLAT
    return Trend.UP if week_percent.value > 0 else Trend.DOWN
