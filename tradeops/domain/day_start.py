"""What the account was worth when the day began, UTC unless told otherwise: the base of every daily limit. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from tradeops.domain.portfolio.portfolio import ClosedTrade, OpenTrade

NEAR = timedelta(minutes=10)
AT_ONCE = timedelta(seconds=15)  # three polls of the guard at its default pace
SKEW = timedelta(seconds=30)  # trades are dated by the engine's clock, looks by ours


@dataclass(frozen=True, slots=True)
class Worth:
    """What the account was worth at a moment, as it was seen. USDT.

    Attributes:
        at: aware.
        equity: with open positions at their marks.
        marks: the part of each open trade in it, by id; `None` where they were not kept.
        by_symbol: the same by symbol, as it once was kept.
    """

    at: datetime
    equity: Decimal
    marks: Mapping[str, Decimal] | None = None
    by_symbol: Mapping[str, Decimal] | None = None


@dataclass(frozen=True, slots=True)
class DayStart:
    """The beginning of one day. USDT.

    Attributes:
        day: of the zone that counts.
        equity: with open positions at their marks where somebody looked within ten minutes, without them where not.
        observed: somebody looked within fifteen seconds; otherwise it is reconstructed, from a look or from trades.
        unrealised: the part of each trade in `equity` that was open then, by id; `None` is not known.
    """

    day: date
    equity: Decimal
    observed: bool
    unrealised: Mapping[str, Decimal] | None = None

    @property
    def label(self) -> str:
        """`observed` or `reconstructed`."""
        return "observed" if self.observed else "reconstructed"


def midnight_of(moment: datetime, zone: tzinfo = UTC) -> datetime:
    """00:00 of the day that the moment lies in, in that zone."""
    return datetime.combine(moment.astimezone(zone).date(), time(), tzinfo=zone)


def observed(
    looks: Iterable[Worth],
    closed: Iterable[ClosedTrade],
    opened: Iterable[OpenTrade] = (),
    *,
    now: datetime,
    zone: tzinfo = UTC,
) -> DayStart | None:
    """The beginning of the day of `now`, by looks near it; `None` where none of them tells it.

    A look is carried to 00:00 by the trades in between: equity is balance + Σ marks, so that, for every trade,

    - one that closed after the look and before 00:00 brings its profit less its mark at the look;
    - one that had closed by the look, but not by 00:00, takes its profit out again;
    - one that was opened after 00:00 takes its mark at the look out again.

    What remains wrong: marks that moved between the look and 00:00; money paid in or out between the two; and a trade
    that was open at 00:00 and closed before the look, whose mark at 00:00 nobody knows: all that it brought counts as
    of this day, as in `reconstructed`. A look that misses such a mark gives way to any that does not; otherwise the
    nearest counts. A look that tells the sum alone, while something was open, tells nothing.

    Args:
        looks: by anybody, of any time; those within ten minutes count.
        closed: all that are known, at least of the last ten minutes of the day before and since.
        opened: now.
        now: aware.
        zone: of the day.
    """
    midnight = midnight_of(now, zone)
    near = [one for one in looks if abs(one.at - midnight) < NEAR]
    around = [one for one in closed if _is_around(one, midnight)] if near else []
    held = tuple(opened) if near else ()
    found = [one for look in near if (one := _carried(look, around, held, midnight))]
    return min(found, key=lambda one: one[0])[1] if found else None


def reconstructed(balance: Decimal, listed: Iterable[ClosedTrade], *, now: datetime, zone: tzinfo = UTC) -> DayStart:
    """The beginning of the day of `now`, as today's balance less what has closed since; deposits stay in it.

    Args:
        balance: realised, now.
        listed: the closed trades that this balance contains.
        now: aware.
        zone: of the day.
    """
    midnight = midnight_of(now, zone)
    since = sum((trade.pnl for trade in listed if trade.closed_at >= midnight), Decimal(0))
    return DayStart(midnight.date(), balance - since, observed=False)


def by_trade(open_trades: Iterable[OpenTrade]) -> Mapping[str, Decimal] | None:
    """The unrealised profit of each trade, by id; `None` when a mark is missing."""
    marks = {trade.id: trade.unrealised_pnl for trade in open_trades}
    known = {name: mark for name, mark in marks.items() if mark is not None}
    return known if len(known) == len(marks) else None


def _is_around(trade: ClosedTrade, midnight: datetime) -> bool:
    return trade.closed_at >= midnight - NEAR - SKEW and trade.opened_at <= midnight + NEAR + SKEW


def _carried(
    look: Worth, closed: Iterable[ClosedTrade], opened: Iterable[OpenTrade], midnight: datetime
) -> tuple[tuple[int, timedelta], DayStart] | None:
    """How good a look is, the lowest being the best, and what it says; `None` where it says nothing."""
    marks = _marks_at(look, closed, opened)
    if marks is None:
        return None
    equity, held, missed = look.equity, dict(marks), 0
    for trade in closed:
        # By its id where it was seen open, since two clocks may not agree on what was first.
        seen_closed = trade.id not in marks and trade.opened_at <= look.at and trade.closed_at <= look.at + SKEW
        if trade.closed_at < midnight and not seen_closed:
            equity += trade.pnl - held.pop(trade.id, Decimal(0))
        elif trade.closed_at >= midnight and seen_closed:
            equity -= trade.pnl
            missed += trade.opened_at < midnight
    there: list[ClosedTrade | OpenTrade] = [*closed, *opened]
    for one in there:
        if one.opened_at >= midnight:
            equity -= held.pop(one.id, Decimal(0))
    away = abs(look.at - midnight)
    return (missed, away), DayStart(midnight.date(), equity, away <= AT_ONCE, held)


def _marks_at(look: Worth, closed: Iterable[ClosedTrade], opened: Iterable[OpenTrade]) -> Mapping[str, Decimal] | None:
    """The marks of a look; what was kept by symbol is parted among the trades that were open in it, by their size."""
    if look.marks is not None:
        return look.marks
    there: list[ClosedTrade | OpenTrade] = [
        *(trade for trade in closed if trade.opened_at <= look.at < trade.closed_at),
        *(trade for trade in opened if trade.opened_at <= look.at),
    ]
    if look.by_symbol is None:
        return None if there else {}
    size: dict[str, Decimal] = {}
    for trade in there:
        size[trade.symbol] = size.get(trade.symbol, Decimal(0)) + trade.notional
    return {
        trade.id: look.by_symbol.get(trade.symbol, Decimal(0)) * trade.notional / size[trade.symbol] for trade in there
    }
