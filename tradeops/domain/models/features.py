"""What a model sees of a moment: 71 figures, each known at that candle's close.

Prices stand relative to the close, volumes relative to their own mean, so that a feature means the same in a rising
market as it did in training. High points, low points and breakouts look backwards only. The month is the place in the
year, which changes in every week of data.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tradeops.domain.models.columns import Floats, TrainingCandles, UnfitDataError
from tradeops.domain.strategies import indicators

FEATURES_VERSION = "1"
LAGS = (1, 2, 3, 5, 10)
EMAS = (9, 21, 50)
SPAN = 20
DAY_MS, WEEK_DAYS, YEAR_DAYS = 86_400_000, 7, 365.2425
WARM_UP = 49  # rows before the first whole one, for the longest average

Columns = dict[str, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """Features by row of the candles.

    Attributes:
        names: of the columns, in order.
        values: candles × features; rows before `first` are warm-up and NaN in places.
        first: the first whole row.
    """

    names: tuple[str, ...]
    values: Floats
    first: int = WARM_UP


def feature_table(candles: TrainingCandles) -> FeatureTable:
    """The features of each candle; row t depends on the candles up to t alone.

    Raises:
        UnfitDataError: too few candles, or a column that is not finite after the warm-up; names it.
    """
    if len(candles) <= WARM_UP:
        raise UnfitDataError(f"{len(candles)} candles are too few: the features need {WARM_UP + 1}")
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            columns = {**_prices(candles), **_indicators(candles), **_volumes(candles), **_shapes(candles)}
            columns |= {**_moves(candles), **_calendar(candles), **_lags(candles)}
    except ValueError as error:
        raise UnfitDataError(f"the indicators cannot be computed: {error}") from error
    values = np.column_stack(list(columns.values()))
    return checked(FeatureTable(tuple(columns), values))


def checked(table: FeatureTable) -> FeatureTable:
    """The table, if each of its columns is finite in every row after the warm-up.

    Raises:
        UnfitDataError: names the column and the row.
    """
    finite = np.isfinite(table.values[table.first :])
    if not finite.all():
        row, column = (int(place[0]) for place in np.nonzero(~finite))
        value = table.values[table.first + row, column]
        share = f"{100 * (1 - finite[:, column].mean()):.0f} % of it"
        raise UnfitDataError(
            f"the feature {table.names[column]} is {value} in row {table.first + row}, {share} is not finite"
        )
    return table


def changes(close: Floats, period: int) -> Floats:
    """Relative change over the last `period` candles; NaN in the warm-up."""
    out = np.full(len(close), np.nan)
    out[period:] = close[period:] / close[:-period] - 1
    return out


def _prices(c: TrainingCandles) -> Columns:
    close = c.close
    columns = {
        "open": c.open / close - 1,
        "high": c.high / close - 1,
        "low": c.low / close - 1,
        "close": close / indicators.sma(close, SPAN) - 1,
    }
    columns |= {f"ema_{period}": indicators.ema(close, period) / close - 1 for period in EMAS}
    return columns


def _indicators(c: TrainingCandles) -> Columns:
    close = c.close
    macd = indicators.macd(close, 12, 26, 9)
    bands = indicators.bollinger(close, SPAN, 2.0)
    width = bands.upper - bands.lower
    stochastic = indicators.stochastic(c.high, c.low, close, 14, 3)
    return {
        "rsi_14": indicators.rsi(close, 14) / 100,
        "macd": macd.macd / close,
        "macd_signal": macd.signal / close,
        "macd_histogram": macd.histogram / close,
        "bollinger_upper": bands.upper / close - 1,
        "bollinger_middle": bands.middle / close - 1,
        "bollinger_lower": bands.lower / close - 1,
        "bollinger_width": width / bands.middle,
        "bollinger_percent": _ratio(close - bands.lower, width, 0.5),
        "stochastic_k": stochastic.k / 100,
        "stochastic_d": stochastic.d / 100,
        "atr_14": indicators.atr(c.high, c.low, close, 14) / close,
    }


def _volumes(c: TrainingCandles) -> Columns:
    """A market without any trade in the span has the figures of an even one."""
    mean = indicators.sma(c.volume, SPAN)
    total = mean * SPAN
    typical = (c.high + c.low + c.close) / 3
    direction = np.sign(np.diff(c.close, prepend=c.close[0]))
    moved = np.diff(c.close, prepend=c.close[0]) / np.concatenate([c.close[:1], c.close[:-1]])
    return {
        "volume": _relative_volume(c),
        "volume_sma_20": _ratio(mean, indicators.sma(mean, SPAN), 1.0) - 1,
        "vwap_20": _ratio(indicators.sma(typical * c.volume, SPAN), mean, np.nan, otherwise=c.close) / c.close - 1,
        "obv_20": _ratio(indicators.sma(direction * c.volume, SPAN) * SPAN, total, 0.0),
        "volume_roc_20": np.log(_ratio(mean, _shifted(mean, SPAN), 1.0).clip(1e-3, 1e3)),
        "volume_price_trend_20": _ratio(indicators.sma(moved * c.volume, SPAN), mean, 0.0),
    }


def _shapes(c: TrainingCandles) -> Columns:
    highest, lowest = indicators.highest_of(c.high, 10), indicators.lowest_of(c.low, 10)
    high_before = _shifted(indicators.highest_of(c.high, SPAN), 1)
    low_before = _shifted(indicators.lowest_of(c.low, SPAN), 1)
    top, bottom = indicators.highest_of(c.high, SPAN), indicators.lowest_of(c.low, SPAN)
    span, body = c.high - c.low, np.abs(c.close - c.open)
    return {
        "local_high_10": c.high / highest - 1,
        "local_low_10": c.low / lowest - 1,
        "breakout_up_20": c.close / high_before - 1,
        "breakout_down_20": c.close / low_before - 1,
        "doji": _ratio(body, span, 0.0),
        "hammer": _ratio(np.minimum(c.open, c.close) - c.low, span, 0.0),
        "price_position_20": _ratio(c.close - bottom, top - bottom, 0.5),
        "high_low_spread": span / c.close,
        "open_close_spread": (c.close - c.open) / c.open,
    }


def _moves(c: TrainingCandles) -> Columns:
    close = c.close
    returns = changes(close, 1)
    volatility = {period: _deviation(returns, period) for period in (5, 10, SPAN)}
    atr = indicators.atr(c.high, c.low, close, 14)
    columns = {f"return_{period}": changes(close, period) for period in (1, 5, 10)}
    columns |= {f"momentum_{period}": _ratio(close - _shifted(close, period), atr, 0.0) for period in (5, 10)}
    columns |= {f"volatility_{period}": values for period, values in volatility.items()}
    columns["volatility_5_to_20"] = _ratio(volatility[5], volatility[SPAN], 1.0)
    columns["volatility_10_to_20"] = _ratio(volatility[10], volatility[SPAN], 1.0)
    columns["price_dispersion_20"] = _deviation(close, SPAN) / indicators.sma(close, SPAN)
    return columns


def _calendar(c: TrainingCandles) -> Columns:
    """Of the moment at which the candle closes. A day's candles all close at midnight and have no hour."""
    days = (c.opened_ms + c.period_ms) / DAY_MS
    cycles = {"day": days / WEEK_DAYS, "month": days / YEAR_DAYS}
    if c.period_ms < DAY_MS:
        cycles = {"hour": days, **cycles}
    angles = {name: 2 * np.pi * (turns % 1) for name, turns in cycles.items()}
    return {f"{name}_{word}": f(a) for name, a in angles.items() for word, f in (("sin", np.sin), ("cos", np.cos))}


def _lags(c: TrainingCandles) -> Columns:
    columns: Columns = {}
    volume = _relative_volume(c)
    rsi = indicators.rsi(c.close, 14) / 100
    macd = indicators.macd(c.close, 12, 26, 9).macd / c.close
    for lag in LAGS:
        columns[f"close_lag_{lag}"] = _shifted(c.close, lag) / c.close - 1
        columns[f"volume_lag_{lag}"] = _shifted(volume, lag)
        columns[f"rsi_14_lag_{lag}"] = _shifted(rsi, lag)
        columns[f"macd_lag_{lag}"] = _shifted(macd, lag)
    return columns


def _relative_volume(c: TrainingCandles) -> Floats:
    """How many times the mean of its last candles, as a logarithm: one huge candle shall not fill the scale."""
    return np.log1p(_ratio(c.volume, indicators.sma(c.volume, SPAN), 1.0))


def _ratio(over: Floats, under: Floats, when_zero: float, *, otherwise: Floats | None = None) -> Floats:
    """The quotient, and `when_zero` (or the value of `otherwise`) where the divisor is exactly 0."""
    out = np.full(len(over), when_zero) if otherwise is None else otherwise.copy()
    np.divide(over, under, out=out, where=under != 0)
    return out


def _shifted(values: Floats, by: int) -> Floats:
    return np.concatenate([np.full(by, np.nan), values[:-by]])


def _deviation(values: Floats, period: int) -> Floats:
    out = np.full(len(values), np.nan)
    out[period - 1 :] = sliding_window_view(values, period).std(axis=-1)
    return out
