"""What the account is worth, for the dashboard: live from the engine, the curve from the store."""

from datetime import datetime, timedelta
from decimal import Decimal

from tradeops.domain.figures import Amount, Figure, known, known_amount, unknown, unknown_amount
from tradeops.domain.losses import Today
from tradeops.domain.window.columns import micros
from tradeops.domain.window.curve import Curve, stretch_of, thinned
from tradeops.domain.window.money import CurvePoint, Money
from tradeops.domain.window.values import Panel, Range
from tradeops.jobs.window.history import History
from tradeops.jobs.window.live import Look
from tradeops.jobs.window.today import Day

STALE = timedelta(minutes=5)
NO_CURVE = "no equity is kept in this time; the watchdog keeps it once a minute while it runs"


def curve_of(history: History, range_: Range, *, now: datetime) -> Curve | None:
    """The curve of the range, thinned."""
    columns = history.columns
    places = columns.between(micros(now - range_.length), micros(now) + 1)
    at, values = columns.at[places[0] : places[1]], columns.column("equity", places)
    return thinned(at, values, stretch=stretch_of(range_.length))


async def panel(
    day: Day,
    history: History,
    curve: Curve | None,
    look: Look,
    range_: Range,
    trouble: str,
    *,
    now: datetime,
) -> Panel[Money]:
    """Equity, the day's profit and the curve.

    Args:
        day: so far.
        history: of equity by the minute.
        curve: of the range; `None` where no equity is kept in it.
        look: at the engine.
        range_: of the curve.
        trouble: why the history may not be up to date.
        now: aware.
    """
    last = history.newest if look.equity is None else None
    if look.equity is not None:
        worth, source, as_of = known_amount(look.equity), "engine", look.at
    elif last is not None:
        worth, source, as_of = known_amount(Decimal(str(last.body["equity_usd"]))), "store", last.timestamp
    else:
        says = look.problem or "it does not say what the account is worth"
        kept = trouble or history.why_nothing("no equity is kept yet: the watchdog keeps it once a minute")
        return Panel(None, f"engine: {says}; and {kept}")
    pnl, percent = _of_day(day.brought)
    money = Money(
        equity=worth,
        source=source,
        day_start=_began(day),
        day_pnl=pnl,
        day_pnl_percent=percent,
        drawdown_percent=known(curve.drawdown_percent) if curve else unknown(NO_CURVE),
        max_drawdown_percent=known(curve.max_drawdown_percent) if curve else unknown(NO_CURVE),
        open_positions=unknown(look.problem) if look.problem else known(len(look.open_trades)),
        is_running=look.is_running,
        curve=curve.points if curve else (),
        curve_why=_curve_why(curve.points if curve else (), history, range_, now),
    )
    return Panel(money, as_of=as_of, stale=now - as_of > STALE or bool(look.problem))


def _began(day: Day) -> Amount:
    return unknown_amount(day.start) if isinstance(day.start, str) else known_amount(day.start.equity)


def _of_day(brought: Today | str) -> tuple[Amount, Figure]:
    """What trades and marks brought, as the limits count it: money paid in or out is no profit."""
    if isinstance(brought, str):
        return unknown_amount(brought), unknown(brought)
    if brought.percent is None:
        return known_amount(-brought.usd), unknown("the day did not begin above zero")
    return known_amount(-brought.usd), known(-float(brought.percent))


def _curve_why(points: tuple[CurvePoint, ...], history: History, range_: Range, now: datetime) -> str:
    begins, covered = now - range_.length, history.covered_since
    if covered is None or covered > begins:
        so_far = f", back to {covered:%Y-%m-%d %H:%M} UTC so far" if covered else ""
        return f"history is still being read{so_far}"
    if not points:
        return NO_CURVE
    if points[0].at > begins + 2 * stretch_of(range_.length):
        return f"kept from {points[0].at:%Y-%m-%d %H:%M} UTC on"
    return ""
