"""Kept backtests and searches for the dashboard."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from tradeops.adapters.store import Point, ReadableStore
from tradeops.domain.figures import Figure, known, known_amount, unknown
from tradeops.domain.window.columns import micros
from tradeops.domain.window.curve import stretch_of, thinned
from tradeops.domain.window.heat import heat_maps
from tradeops.domain.window.money import CurvePoint
from tradeops.domain.window.outline import outline, text
from tradeops.domain.window.pages import (
    BacktestLine,
    BacktestList,
    BacktestPage,
    Month,
    OptimisationLine,
    OptimisationList,
    OptimisationPage,
)
from tradeops.jobs.laboratory.kept_results import Shelf
from tradeops.jobs.window.series import BACKTEST_TRADES, BACKTESTS, SEARCHES

A_BACKTEST = Shelf(BACKTESTS, "backtest", "tradeops backtest list")
A_SEARCH = Shelf(SEARCHES, "optimisation", "tradeops optimize list")
MOST = 100
MOST_PIECES = 200
MICROSECOND = timedelta(microseconds=1)


async def backtests(store: ReadableStore) -> BacktestList:
    """The latest.

    Raises:
        UnavailableError: the store is down.
    """
    return BacktestList(tuple(_backtest(body) for body in await A_BACKTEST.newest(store, limit=MOST)))


async def backtest(store: ReadableStore, backtest_id: str, *, zone: tzinfo) -> BacktestPage:
    """One, by its id or the only beginning of one.

    Raises:
        RejectedError: there is none.
        UnavailableError: the store is down.
    """
    body: Any = await A_BACKTEST.found(store, backtest_id)
    at = datetime.fromisoformat(str(body["finished_at"]))
    pieces = await store.points(BACKTEST_TRADES, since=at, until=at + MICROSECOND, limit=MOST_PIECES)
    mine = [piece for piece in pieces if piece.key.rpartition(":")[0] == body["run_id"]]
    curve = _curve(body, sorted(mine, key=lambda one: one.key))
    why = "" if curve else "it made no trade" if not body.get("total_trades") else "its trades are no longer kept"
    return BacktestPage(
        line=_backtest(body),
        curve=curve,
        curve_why=why,
        months=tuple(
            Month(
                month=str(one["month"]),
                trades=int(one["trades"]),
                wins=int(one["wins"]),
                pnl=known_amount(Decimal(repr(float(one["pnl_usd"])))),
                return_percent=_figure(one.get("return"), "equity at its beginning is not known"),
            )
            for one in body.get("months") or ()
        ),
        sheet=outline(body, without=("months",), zone=zone),
    )


async def optimisations(store: ReadableStore) -> OptimisationList:
    """The latest.

    Raises:
        UnavailableError: the store is down.
    """
    return OptimisationList(tuple(_search(body) for body in await A_SEARCH.newest(store, limit=MOST)))


async def optimisation(store: ReadableStore, optimisation_id: str, *, zone: tzinfo) -> OptimisationPage:
    """One, by its id or the only beginning of one.

    Raises:
        RejectedError: there is none.
        UnavailableError: the store is down.
    """
    body: Any = await A_SEARCH.found(store, optimisation_id)
    maps = heat_maps(body["variations"], body.get("parameter_importance") or {})
    return OptimisationPage(
        line=_search(body),
        reasons=tuple(map(str, body.get("reasons") or ())),
        maps=maps,
        maps_why="" if maps else "fewer than two parameters vary, so there is no map",
        sheet=outline(body, without=("variations", "reasons"), zone=zone),
    )


def _curve(body: Mapping[str, Any], pieces: list[Point]) -> tuple[CurvePoint, ...]:
    """Balance after each closed trade; fees and funding are in the profit."""
    left = [str(at) for piece in pieces for at in _column(piece, "left_at")]
    profits = [float(pnl) for piece in pieces for pnl in _column(piece, "pnl_usd")]
    if not left:
        return ()
    closed = sorted(zip((micros(datetime.fromisoformat(at)) for at in left), profits, strict=True))
    begin = datetime.fromisoformat(str(body["period"]["since"])).astimezone(UTC)
    at, balance = [micros(begin)], [float(body["rules"]["balance_usd"])]
    for moment, pnl in closed:
        at.append(moment)
        balance.append(balance[-1] + pnl)
    length = (at[-1] - at[0]) * MICROSECOND
    found = thinned(at, balance, stretch=stretch_of(max(length, timedelta(minutes=1))))
    return found.points if found else ()


def _column(piece: Point, name: str) -> list[Any]:
    found: Any = piece.body.get(name) or []
    return list(found)


def _backtest(body: Mapping[str, Any]) -> BacktestLine:
    reasons = body.get("unknown") or {}

    def figure(name: str) -> Figure:
        return _figure(body.get(name), str(reasons.get(name) or "not kept"))

    return BacktestLine(
        backtest_id=str(body["run_id"]),
        at=datetime.fromisoformat(str(body["finished_at"])),
        strategy=str(body["strategy"]),
        symbol=str(body["symbol"]),
        timeframe=str(body["timeframe"]),
        since=str(body["period"]["since"])[:10],
        until=str(body["period"]["until"])[:10],
        trades=body.get("total_trades"),
        total_return_percent=figure("total_return"),
        sharpe_ratio=figure("sharpe_ratio"),
        max_drawdown_percent=figure("max_drawdown"),
        win_rate_percent=figure("win_rate"),
    )


def _search(body: Mapping[str, Any]) -> OptimisationLine:
    best: Mapping[str, Any] = body.get("best_parameters") or {}
    outside = ((body.get("best_performance") or {}).get("out_of_sample") or {}).get("sharpe_ratio")
    return OptimisationLine(
        optimisation_id=str(body["run_id"]),
        at=datetime.fromisoformat(str(body["finished_at"])),
        strategy=str(body["strategy"]),
        symbol=str(body["symbol"]),
        timeframe=str(body["timeframe"]),
        variations=body.get("total_variations_tested"),
        verdict=str(body.get("verdict") or "unknown"),
        best=", ".join(f"{name} {text(value)}" for name, value in best.items()) or "none",
        out_of_sample_sharpe=_figure(outside, "no variation was good enough"),
    )


def _figure(value: object, reason: str) -> Figure:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return known(float(value)) if is_number else unknown(reason)  # type: ignore[arg-type]
