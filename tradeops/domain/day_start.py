"""What the account was worth when the day began, UTC unless told otherwise: the base of every daily limit. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from tradeops.domain.portfolio.portfolio import ClosedTrade, OpenTrade

NEAR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class DayStart:
    """The beginning of one day. USDT.

    Attributes:
        day: of the zone that counts.
        equity: with open positions at their marks where it was observed, without them where not.
        observed: somebody looked within ten minutes of then; otherwise it is reconstructed from what closed since.
        unrealised: the part of each symbol in `equity`; `None` is not known.
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
    moment: datetime, equity: Decimal, unrealised: Mapping[str, Decimal] | None, *, now: datetime, zone: tzinfo = UTC
) -> DayStart | None:
    """The beginning of the day of `now` by a look at `moment`; `None` when that was not near it."""
    midnight = midnight_of(now, zone)
    return DayStart(midnight.date(), equity, True, unrealised) if abs(moment - midnight) < NEAR else None


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


def by_symbol(open_trades: Iterable[OpenTrade]) -> Mapping[str, Decimal] | None:
    """The unrealised profit of each symbol; `None` when a mark is missing."""
    parts: dict[str, Decimal] = {}
    for trade in open_trades:
        if trade.unrealised_pnl is None:
            return None
        parts[trade.symbol] = parts.get(trade.symbol, Decimal(0)) + trade.unrealised_pnl
    return parts
