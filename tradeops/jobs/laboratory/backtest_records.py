"""How backtests are kept: a point each, its trades in pieces beside it, and how one is made again from them."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from tradeops.adapters.store import Point
from tradeops.adapters.store.interface import Json
from tradeops.domain.backtest.bootstrap import Interval
from tradeops.domain.backtest.course import REASONS
from tradeops.domain.backtest.orders import BacktestOrder
from tradeops.domain.backtest.report import BacktestReport
from tradeops.domain.backtest.rules import BacktestRules
from tradeops.domain.candle_columns import MICROSECOND, Integers
from tradeops.domain.candles import EPOCH
from tradeops.errors import ContractError
from tradeops.jobs.laboratory import backtest
from tradeops.jobs.laboratory.kept_results import Repeated, Shelf, rules_of
from tradeops.wiring import Desk

SERIES = "backtest_results"
TRADES = "backtest_trades"
TRADES_A_POINT = 1000

SHELF = Shelf(SERIES, "backtest", "tradeops backtest list")
found, newest = SHELF.found, SHELF.newest


async def record(desk: Desk, report: BacktestReport) -> None:
    """Keep the result and all its trades; a second time changes nothing.

    Raises:
        UnavailableError: the store does not answer.
    """
    trades = trade_fields(report)
    pieces = [
        Point(
            f"{report.run_id}:{number:05d}",
            report.finished_at,
            {name: column[first : first + TRADES_A_POINT] for name, column in trades.items()},
        )
        for number, first in enumerate(range(0, len(report.result.trades), TRADES_A_POINT))
    ]
    await desk.store.add_points(TRADES, pieces)
    await desk.store.add_point(SERIES, Point(report.run_id, report.finished_at, as_fields(report)))


async def repeated(desk: Desk, kept: Mapping[str, Any]) -> Repeated[BacktestReport]:
    """Make a kept backtest once more, from its order, and compare candles, equity and trades to the bit.

    Raises:
        ContractError: what is kept cannot be read.
        RejectedError: its strategy or its candles are gone.
        TradeOpsError: the exchange does not answer.
    """
    order, rules, timeframe = _order(kept)
    gathered = await backtest.gather(desk, order, timeframe=timeframe)
    started, finished = (datetime.fromisoformat(kept[name]) for name in ("started_at", "finished_at"))
    report = await asyncio.to_thread(
        backtest.made, order, gathered, run_id=kept["run_id"], started_at=started, rules=rules
    )
    return Repeated(replace(report, finished_at=finished), tuple(_differences(kept, report)))


def _differences(kept: Mapping[str, Any], report: BacktestReport) -> list[str]:
    result = report.result
    if kept["strategy_version"] != result.strategy_version:
        return [f"the rules of {result.strategy} are version {result.strategy_version} now, then {_then(kept)}"]
    if kept["data_hash"] != result.data_hash:
        return ["the exchange tells other candles now than it did then"]
    if kept["fingerprint"] != result.fingerprint:
        return ["the same candles and rules give another result: TradeOps has changed, or this is another machine"]
    return []


def _then(kept: Mapping[str, Any]) -> str:
    return f"they were version {kept['strategy_version']}"


def _order(kept: Mapping[str, Any]) -> tuple[BacktestOrder, BacktestRules, str]:
    try:
        order = BacktestOrder.of(
            kept["strategy"],
            kept["symbol"],
            kept["order"]["start_date"],
            kept["order"]["end_date"],
            kept["parameters_used"],
            int(kept["random_seed"]),
            now=datetime.now(UTC),
        )
        return order, rules_of(kept), str(kept["timeframe"])
    except (KeyError, TypeError, ValueError) as error:
        raise ContractError("store", f"the kept backtest cannot be read: {error}") from None


def as_fields(report: BacktestReport) -> dict[str, Json]:
    """The result as it is kept, but for its trades. Percentages are 0-100; `None` is "n/a", `unknown` says why."""
    result, figures = report.result, report.result.figures
    named = {
        "win_rate": figures.win_rate_percent,
        "total_return": figures.total_return_percent,
        "sharpe_ratio": figures.sharpe_ratio,
        "max_drawdown": figures.max_drawdown_percent,
        "profit_factor": figures.profit_factor,
        "avg_trade_duration_hours": figures.average_holding_hours,
        "avg_profit_per_trade": figures.average_profit_percent,
        "annualized_return": figures.annualized_return_percent,
        "sortino_ratio": figures.sortino_ratio,
        "calmar_ratio": figures.calmar_ratio,
        "exposure_percent": figures.exposure_percent,
        "turnover": figures.turnover,
        "buy_and_hold": figures.buy_and_hold_percent,
        "excess_return": figures.excess_percent,
    }
    limits = result.intervals
    return {
        "status": "success",
        "run_id": report.run_id,
        "started_at": report.started_at.isoformat(),
        "finished_at": report.finished_at.isoformat(),
        "data_as_of": report.data_as_of.isoformat(),
        "strategy": result.strategy,
        "strategy_version": result.strategy_version,
        "symbol": result.symbol,
        "timeframe": result.timeframe,
        "period": {"since": result.period.since.isoformat(), "until": result.period.until.isoformat()},
        "order": {
            "start_date": f"{report.order.window.since:%Y-%m-%d}",
            "end_date": f"{report.order.window.until:%Y-%m-%d}",
        },
        "parameters_used": dict(result.parameters),
        "rules": asdict(result.rules),
        "random_seed": result.seed,
        "data_hash": result.data_hash,
        "fingerprint": result.fingerprint,
        "candles": result.candles,
        "warm_up_candles": result.warm_up_candles,
        "missing_candles": result.missing_candles,
        "total_trades": figures.total_trades,
        "winning_trades": figures.winning_trades,
        "losing_trades": figures.losing_trades,
        **{name: figure.value for name, figure in named.items()},
        "unknown": {name: figure.reason for name, figure in named.items() if figure.value is None},
        "fees_usd": figures.fees_usd,
        "funding_usd": figures.funding_usd,
        "liquidations": figures.liquidations,
        "longest_wins": figures.streaks.longest_wins,
        "longest_losses": figures.streaks.longest_losses,
        "intervals_95": {
            "win_rate": [figures.win_rate_low_percent.value, figures.win_rate_high_percent.value],
            "total_return": _interval(limits.total_return_percent),
            "sharpe_ratio": _interval(limits.sharpe_ratio),
            "max_drawdown": _interval(limits.max_drawdown_percent),
        },
        "months": [
            {
                "month": m.month,
                "trades": m.trades,
                "wins": m.wins,
                "pnl_usd": m.pnl_usd,
                "return": m.return_percent.value,
            }
            for m in result.months
        ],
        "remarks": list(report.remarks),
    }


def trade_fields(report: BacktestReport) -> dict[str, list[Any]]:
    """All trades in columns, one entry a trade; times are ISO 8601 in UTC, prices those of the fills."""
    table, opened_at = report.result.trades, report.result.opened_at
    exits = opened_at[table.exit_place] + table.inside * report.candles.period
    return {
        "entered_at": _times(opened_at[table.entry_place]),
        "left_at": _times(exits),
        "side": np.where(table.side > 0, "long", "short").tolist(),
        "reason": [REASONS[place].value for place in table.reason],
        "entry_price": table.entry_price.tolist(),
        "exit_price": table.exit_price.tolist(),
        "quantity": table.quantity.tolist(),
        "fees_usd": table.fees_usd.tolist(),
        "funding_usd": table.funding_usd.tolist(),
        "pnl_usd": table.pnl_usd.tolist(),
        "return_percent": table.return_percent.tolist(),
    }


def _times(microseconds: Integers) -> list[str]:
    return [(EPOCH + int(at) * MICROSECOND).isoformat() for at in microseconds]


def _interval(interval: Interval) -> list[float | None]:
    return [interval.low.value, interval.high.value]
