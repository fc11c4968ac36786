"""The weekly analysis and the range's trades, for the dashboard."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from tradeops.domain.figures import Figure, known, unknown
from tradeops.domain.heartbeats import RHYTHMS
from tradeops.domain.window.columns import micros, moment
from tradeops.domain.window.money import DayValue, Performance, Target, Trading
from tradeops.domain.window.trading import trading
from tradeops.domain.window.values import Panel, Range, State, state_of, worst
from tradeops.jobs.window.histories import METRICS
from tradeops.jobs.window.history import History

LABELS = {"win_rate": "win rate", "avg_profit_per_trade": "average profit per trade", "sharpe_ratio": "Sharpe ratio"}
UNITS = {"win_rate": " %", "avg_profit_per_trade": " %", "sharpe_ratio": ""}
RHYTHM = RHYTHMS["daily-performance-analysis"]
STALE = 2 * RHYTHM.every + RHYTHM.grace  # a day is kept at the moment that it begins
NEVER = "no analysis is kept yet; it needs seven whole days of trades and runs at 01:00 UTC"

NO_TRADES = "no closed trade is kept yet: the watchdog and the reports keep what the engine lists"


async def panel(history: History, range_: Range, trouble: str, *, now: datetime) -> Panel[Performance]:
    """The newest analysis with its history; `trouble` is why there may be a newer one."""
    newest = history.newest
    if newest is None:
        return Panel(None, trouble or history.why_nothing(NEVER))
    body: Any = newest.body
    places = history.columns.between(micros(now - range_.length), micros(now) + 1)
    days = [moment(at).date() for at in history.columns.at[places[0] : places[1]]]
    targets = tuple(_target(body, name, days, history.columns.column(name, places)) for name in METRICS)
    found = Performance(
        date=date.fromisoformat(str(body["date"])),
        trades=body.get("total_trades"),
        state=worst(*(one.state for one in targets)),
        targets=targets,
        alerts=tuple(map(str, body.get("alerts") or ())),
    )
    return Panel(found, as_of=newest.timestamp, stale=now - newest.timestamp > STALE or bool(trouble))


def traded(history: History, range_: Range, trouble: str, *, now: datetime) -> Panel[Trading]:
    """What closed in the range, of what is in memory; `trouble` is why that may not be up to date."""
    covered, begins = history.covered_since, now - range_.length
    if covered is None or covered > begins:
        return Panel(None, trouble or "the trade archive is still being read")
    if not len(history.columns):
        return Panel(
            None, trouble or "no closed trade is kept yet: the watchdog and the reports keep what the engine lists"
        )
    return Panel(trading(history.columns, range_, now=now), as_of=now, stale=bool(trouble))


def win_rates(history: History) -> Mapping[date, float]:
    """Win rates by the day of their analysis, of the seven days before it."""
    columns = history.columns
    rates = columns.column("win_rate", (0, len(columns)))
    return {moment(at).date(): rate for at, rate in zip(columns.at, rates, strict=False) if rate == rate}  # noqa: PLR0124 - NaN


def _target(body: Mapping[str, Any], name: str, days: list[date], values: Any) -> Target:  # noqa: ANN401 - a column
    value, reasons = body.get(name), body.get("unknown") or {}
    status = (body.get("performance") or {}).get(f"{name}_status")
    return Target(
        metric=name,
        label=LABELS[name],
        unit=UNITS[name],
        value=_figure(value, str(reasons.get(name) or "not in the analysis")),
        target=_number((body.get("targets") or {}).get(name)),
        critical=_number((body.get("critical_limits") or {}).get(name)),
        state=state_of(status) if value is not None else State.UNKNOWN,
        history=tuple(DayValue(day, v if v == v else None) for day, v in zip(days, values, strict=False)),  # noqa: PLR0124 - NaN
    )


def _figure(value: object, reason: str) -> Figure:
    number = _number(value)
    return unknown(reason) if number is None else known(number)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
