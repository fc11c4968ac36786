"""How optimisations are kept, a point each, and how one is made again from it."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np

from tradeops.adapters.store import Point
from tradeops.adapters.store.interface import Json
from tradeops.domain.backtest.rules import BacktestRules
from tradeops.domain.candle_columns import Floats
from tradeops.domain.optimise.judgement import Candidate
from tradeops.domain.optimise.report import OptimisationReport
from tradeops.domain.optimise.trials import Stretch
from tradeops.errors import ContractError
from tradeops.jobs.laboratory import optimise
from tradeops.jobs.laboratory.kept_results import Repeated, Shelf, rules_of
from tradeops.jobs.laboratory.optimise_search import Told
from tradeops.wiring import Desk

SERIES = "optimization_results"
SHARPE_METHOD = "mean / sample standard deviation of daily returns * sqrt(365), risk-free 0, days without trades are 0"

SHELF = Shelf(SERIES, "optimisation", "tradeops optimize list")
found, newest = SHELF.found, SHELF.newest


async def record(desk: Desk, report: OptimisationReport) -> None:
    """Keep the result; a second time changes nothing.

    Raises:
        UnavailableError: the store does not answer.
    """
    await desk.store.add_point(SERIES, Point(report.run_id, report.finished_at, as_fields(report)))


async def repeated(desk: Desk, kept: Mapping[str, Any], *, told: Told) -> Repeated[OptimisationReport]:
    """Make a kept optimisation once more, from its order, and compare candles and every point to the bit.

    Raises:
        ContractError: what is kept cannot be read.
        RejectedError: its strategy or its candles are gone.
        TradeOpsError: the exchange does not answer.
    """
    order, rules, started, timeframe = _order(kept)
    gathered = await optimise.gather(desk, order, timeframe=timeframe)
    report = await optimise.made(order, gathered, started=started, told=told, rules=rules)
    return Repeated(report, tuple(_differences(kept, report)))


def _order(kept: Mapping[str, Any]) -> tuple[optimise.SearchOrder, BacktestRules, optimise.Started, str]:
    try:
        order = optimise.checked(
            kept["strategy"],
            kept["symbol"],
            kept["order"]["start_date"],
            kept["order"]["end_date"],
            kept["order"]["parameters"],
            int(kept["random_seed"]),
            int(kept["order"]["parameter_variations"]),
            now=datetime.now(UTC),
        )
        started = optimise.Started(str(kept["run_id"]), datetime.fromisoformat(kept["started_at"]))
        return order, rules_of(kept), started, str(kept["timeframe"])
    except (KeyError, TypeError, ValueError) as error:
        raise ContractError("store", f"the kept optimisation cannot be read: {error}") from None


def _differences(kept: Mapping[str, Any], report: OptimisationReport) -> list[str]:
    version = report.order.strategy.version
    if kept["strategy_version"] != version:
        return [f"the rules of the strategy are version {version} now, they were version {kept['strategy_version']}"]
    if kept["data_hash"] != report.data_hash:
        return ["the exchange tells other candles now than it did then"]
    if kept["fingerprint"] != report.fingerprint:
        return ["the same candles and rules give another result: TradeOps has changed, or this is another machine"]
    return []


def as_fields(report: OptimisationReport) -> dict[str, Json]:
    """The result as it is kept. Percentages are 0-100, probabilities 0-1; `None` is "n/a"."""
    judgement, order, first = report.judgement, report.order, report.windows.first
    best = judgement.best
    halves = judgement.overfitting
    return {
        "status": "success" if best else "insufficient_data",
        "run_id": report.run_id,
        "started_at": report.started_at.isoformat(),
        "finished_at": report.finished_at.isoformat(),
        "data_as_of": report.data_as_of.isoformat(),
        "strategy": order.strategy.title,
        "strategy_version": order.strategy.version,
        "symbol": order.symbol,
        "timeframe": report.timeframe,
        "period": {"since": order.window.since.isoformat(), "until": order.window.until.isoformat()},
        "order": {
            "start_date": f"{order.window.since:%Y-%m-%d}",
            "end_date": f"{order.window.until:%Y-%m-%d}",
            "parameters": {name: order.parameters[name] for name in report.fixed},
            "parameter_variations": report.variations_asked,
        },
        "rules": asdict(report.rules),
        "random_seed": order.seed,
        "data_hash": report.data_hash,
        "fingerprint": report.fingerprint,
        "candles": report.candles,
        "method": report.method,
        "total_variations_tested": report.variations_tested,
        "variations_pruned": report.pruned,
        "in_sample_days": [f"{day}" for day in report.dates(first.inside)],
        "out_of_sample_days": [f"{day}" for day in report.dates(first.outside)],
        "days_between": first.gap,
        "sharpe_method": SHARPE_METHOD,
        "best_parameters": dict(best.parameters) if best else None,
        "best_performance": _performance(best) if best else None,
        "own_performance": _performance(judgement.own) if judgement.own else None,
        "top_10_results": [_candidate(one) for one in judgement.shortlist],
        "walk_forward": {
            "choices": [None if choice is None else dict(choice) for choice in judgement.walk.choices],
            **_stretch(judgement.walk.outside),
        },
        "deflated_sharpe_ratio": judgement.deflated_sharpe.value,
        "luckiest_sharpe_ratio": judgement.luckiest_sharpe.value,
        "overfitting_probability": halves.probability if halves else None,
        "loss_probability": halves.loss_probability if halves else None,
        "parameter_importance": dict(judgement.importance),
        "verdict": judgement.verdict.value,
        "reasons": list(judgement.reasons),
        "variations": {
            "parameters": {name: list(values) for name, values in report.tried.values.items()},
            "in_sample_sharpe": _known(report.tried.inside_sharpe),
            "out_of_sample_sharpe": _known(report.tried.outside_sharpe),
        },
        "remarks": list(report.remarks),
    }


def _candidate(one: Candidate) -> dict[str, Json]:
    return {
        "rank": one.rank,
        "unranked": one.unranked,
        "parameters": dict(one.parameters),
        "plateau_sharpe": one.plateau.value,
        "stability": one.stability_fraction.value,
        **_performance(one),
    }


def _performance(one: Candidate) -> dict[str, Json]:
    return {"in_sample": _stretch(one.inside), "out_of_sample": _stretch(one.outside)}


def _stretch(part: Stretch) -> dict[str, Json]:
    return {
        "days": part.days,
        "total_trades": part.trades,
        "win_rate": part.win_rate_percent.value,
        "total_return": part.total_return_percent.value,
        "sharpe_ratio": part.sharpe_ratio.value,
        "max_drawdown": part.max_drawdown_percent.value,
    }


def _known(values: Floats) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
