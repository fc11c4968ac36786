"""The steps of a backtest: check the order, gather candles, trade them, keep the result so that it can be repeated."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tradeops.domain.backtest.engine import DEFAULT_RULES, run
from tradeops.domain.backtest.orders import BacktestOrder
from tradeops.domain.backtest.report import BacktestReport
from tradeops.domain.backtest.rules import BacktestRules
from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.candles import CandleSeries, period_of
from tradeops.errors import RejectedError
from tradeops.jobs.candles import closed_candles
from tradeops.jobs.reports import price_gaps
from tradeops.wiring import Desk

JOB = "backtest-strategy"
TIMEFRAME = "1h"


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """The candles of an order.

    Attributes:
        candles: those of the warm-up first.
        start: place of the first candle to trade.
        remarks: what the reader must know of them.
        as_of: when they were asked for.
    """

    candles: CandleColumns
    start: int
    remarks: tuple[str, ...]
    as_of: datetime


def checked(
    strategy_name: str,
    symbol: str,
    start_date: str | date,
    end_date: str | date,
    parameters: Mapping[str, object] | None = None,
    random_seed: int = 0,
    *,
    now: datetime,
) -> BacktestOrder:
    """The order, where it can be done as far as that is known without the exchange.

    Raises:
        RejectedError: it cannot; says what would do.
    """
    try:
        return BacktestOrder.of(strategy_name, symbol, start_date, end_date, parameters, random_seed, now=now)
    except ValueError as error:
        raise RejectedError(JOB, str(error)) from None


async def gather(desk: Desk, order: BacktestOrder, *, timeframe: str = TIMEFRAME, job: str = JOB) -> Gathered:
    """The closed candles of the window and of its warm-up.

    Raises:
        RejectedError: an unknown symbol, no candles in the window, or too few before it for a first signal.
        TradeOpsError: the exchange does not answer; see `closed_candles`.
    """
    as_of = datetime.now(UTC)
    since, window = order.history_from(timeframe), order.window
    series = await closed_candles(desk, order.symbol, timeframe, since, window.until)
    try:
        candles = CandleColumns.of(series)
    except ValueError as error:
        raise RejectedError(job, f"the exchange's candles cannot be true: {error}") from None
    start = candles.place_of(window.since)
    needed = order.strategy.warm_up_candles(order.parameters, timeframe)
    if start == len(candles):
        problem = f"{order.symbol} has no {timeframe} candles from {window.since:%Y-%m-%d} to {window.until:%Y-%m-%d}"
        raise RejectedError(job, problem, remedy="ask for days on which it was traded")
    if start < needed:
        first = candles.time(0) + needed * period_of(timeframe)
        problem = f"{order.strategy.title} needs {needed} candles before {window.since:%Y-%m-%d}, and there are {start}"
        remedy = f"{order.symbol} has candles since {candles.time(0):%Y-%m-%d %H:%M} UTC: "
        raise RejectedError(job, problem, remedy=remedy + f"begin on {first + timedelta(days=1):%Y-%m-%d} or later")
    remarks = (*_remarks(series, candles, start, order, timeframe), *await price_gaps.told_of(desk, [order.symbol]))
    return Gathered(candles, start, remarks, as_of)


def made(
    order: BacktestOrder,
    gathered: Gathered,
    *,
    run_id: str,
    started_at: datetime,
    rules: BacktestRules = DEFAULT_RULES,
) -> BacktestReport:
    """The backtest; it computes, so call it in a thread.

    Raises:
        RejectedError: the candles give no signal at all.
    """
    try:
        result = run(gathered.candles, order.strategy, order.parameters, rules, order.seed, start=gathered.start)
    except ValueError as error:
        raise RejectedError(JOB, str(error)) from None
    return BacktestReport(
        run_id,
        started_at,
        max(started_at, datetime.now(UTC)),
        gathered.as_of,
        order,
        result,
        gathered.candles,
        gathered.remarks,
    )


def _remarks(
    series: CandleSeries, candles: CandleColumns, start: int, order: BacktestOrder, timeframe: str
) -> list[str]:
    remarks = list(series.remarks)
    wanted = (order.window.until - order.window.since) // period_of(timeframe)
    there = len(candles) - start
    if there < wanted:
        remarks.append(f"{wanted - there:,} of {wanted:,} candles of the window do not exist; they are not made up")
    if candles.missing:
        remarks.append(f"{candles.missing:,} candles lie in gaps; a position is held through a gap")
    before = (order.window.since - order.history_from(timeframe)) // period_of(timeframe)
    if start < before:
        remarks.append(f"only {start:,} candles come before the window, {before:,} make the first signals exact")
    if series.rejected:
        remarks.append(f"{series.rejected:,} candles that cannot be true were left out")
    if not candles.volume[start:].any():
        remarks.append("nothing was traded in the whole window: its volume is zero")
    return remarks
