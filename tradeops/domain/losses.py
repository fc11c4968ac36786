"""What a strategy, a symbol and the whole account have lost: today, and in a row. Pure. USDT; percentages are 0–100.

The loss of a day is what its closed trades brought, and what the marks of open positions changed since midnight: money
that is paid in or out, and an engine that begins anew, are no part of it. The base of every percentage is what the
account was worth when the day began.

A position of which nobody says the strategy may be of any that trades its symbol: the loss of these is not told, only
what it is at least and at most.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import Decimal
from functools import cache

from tradeops.domain.brake_targets import PORTFOLIO, SYMBOL, Mapped, is_strategy, strategy_named, strategy_of, symbol_of
from tradeops.domain.day_start import DayStart, midnight_of
from tradeops.domain.portfolio.portfolio import ClosedTrade, OpenTrade

NO_BASE = "what the account was worth when the day began is no number"

AnyTrade = ClosedTrade | OpenTrade
Attributed = Callable[[str, str | None], str | None]
Belongs = Callable[[str, str | None], bool]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known at one look.

    Attributes:
        now: aware.
        as_of: of when the figures are: when the engine's clock last moved, by ours; `None` is not known.
        day_start: the base.
        equity: now; `None` is not known.
        open_trades: at their marks.
        closed_trades: all that are known, of earlier days too.
        marks_moved_at: when the mark of any open trade last did, by our clock; `None` is that there is none.
        rejected: records of trades that were left out, so that no sum is whole.
        peak_equity: the most that the account was ever seen to be worth; `None` is not known.
        released: when a person let a target trade again; its losses count anew from there.
        strategies: that trades name which are not among `closed_trades`.
    """

    now: datetime
    as_of: datetime | None
    day_start: DayStart
    equity: Decimal | None
    open_trades: tuple[OpenTrade, ...]
    closed_trades: tuple[ClosedTrade, ...]
    marks_moved_at: datetime | None = None
    rejected: int = 0
    peak_equity: Decimal | None = None
    released: Mapping[str, datetime] = field(default_factory=dict)
    strategies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Today:
    """What a day has brought so far.

    Attributes:
        realised: by closed trades.
        unrealised: by what the marks of open positions changed since midnight.
        base: what the account was worth when the day began.
        label: how that is known.
    """

    realised: Decimal
    unrealised: Decimal
    base: Decimal
    label: str

    @property
    def usd(self) -> Decimal:
        """The loss; negative is a gain."""
        return -self.realised - self.unrealised

    @property
    def percent(self) -> Decimal | None:
        """The loss, of the account; `None` when that was worth nothing."""
        return self.usd / self.base * 100 if self.base > 0 else None


@dataclass(frozen=True, slots=True)
class Losses:
    """Of one target.

    Attributes:
        today: or why it cannot be told.
        in_a_row: the last closed trades without one among them that was not lost.
        certain: where trades that name no strategy may be its, what it is without them; `None` where there are none.
        at_most: likewise, the loss if all of them that lost are its.
    """

    today: Today | str
    in_a_row: tuple[ClosedTrade, ...]
    certain: Today | None = None
    at_most: Decimal | None = None


def losses(facts: Facts, symbols_of: Mapped, *, zone: tzinfo) -> dict[str, Losses]:
    """What each target has lost: the account first, then strategies, then symbols.

    Trades that cannot be true are left out: `left_out` says so. A mark that is missing leaves the other symbols known.
    What a person has released counts anew: its streak by trades closed after it, its day by those opened after it.

    Args:
        facts: what is known.
        symbols_of: the symbols of each strategy; trades without a strategy are attributed by it.
        zone: of the day.
    """
    closed, midnight = by_closing(facts), midnight_of(facts.now, zone)
    attributed = _attribution(symbols_of)
    found = {}
    for target in _targets(facts, symbols_of):
        belongs = _belonging(target, attributed)
        mine = tuple(trade for trade in closed if belongs(trade.symbol, trade.strategy))
        streak = losing_streak(mine, since=facts.released.get(target))
        in_a_row = mine[len(mine) - streak :]
        since = facts.released.get(target, midnight)
        held = [trade for trade in facts.open_trades if belongs(trade.symbol, trade.strategy)]
        sure = _counting([*(trade for trade in mine if trade.closed_at >= midnight), *held], since, midnight)
        today = _today(sure, facts)
        unclear = _counting(_unclear(target, facts, closed, attributed, symbols_of, midnight), since, midnight)
        found[target] = _with(unclear, today, in_a_row, facts)
    return found


def by_closing(facts: Facts) -> tuple[ClosedTrade, ...]:
    """The closed trades whose figures can be true, the latest last."""
    return tuple(sorted(filter(_is_sound, facts.closed_trades), key=lambda trade: (trade.closed_at, trade.id)))


def left_out(facts: Facts) -> str:
    """That trades are, whose figures cannot be true; empty when all are counted."""
    count = facts.rejected + sum(not _is_sound(trade) for trade in facts.closed_trades)
    return f"{count} trade{'s have' if count > 1 else ' has'} figures that cannot be true" if count else ""


def losing_streak(trades: Iterable[ClosedTrade], *, since: datetime | None = None) -> int:
    """How many of the last trades were lost without one in between that was not.

    Args:
        trades: by closing time.
        since: only those that closed after it count.
    """
    streak = 0
    for trade in trades:
        if since is None or trade.closed_at > since:
            streak = streak + 1 if trade.pnl < 0 else 0
    return streak


def finite(amount: Decimal | None) -> Decimal | None:
    """The amount; `None` when it is not known or no number."""
    return amount if amount is not None and amount.is_finite() else None


def _is_sound(trade: ClosedTrade) -> bool:
    return trade.pnl.is_finite()


def _targets(facts: Facts, symbols_of: Mapped) -> tuple[str, ...]:
    """Strategies that trades are attributed to, and those that the operator names, also before they trade."""
    further = tuple(symbols_of)
    trades: tuple[AnyTrade, ...] = (*facts.closed_trades, *facts.open_trades)
    written = {trade.strategy for trade in trades if trade.strategy}.union(facts.strategies)
    named = {name for one in written if (name := strategy_named(one, further))}
    symbols = {trade.symbol for trade in trades}
    return (PORTFOLIO, *sorted(named.union(further)), *sorted(SYMBOL + symbol for symbol in symbols))


def _attribution(symbols_of: Mapped) -> Attributed:
    """The strategy of a trade by its symbol and what it names; `None` where neither tells."""
    return cache(lambda symbol, text: strategy_named(text, tuple(symbols_of)) or strategy_of(symbol, symbols_of))


def _belonging(target: str, attributed: Attributed) -> Belongs:
    if target == PORTFOLIO:
        return lambda _symbol, _strategy: True
    if is_strategy(target):
        return lambda symbol, strategy: attributed(symbol, strategy) == target
    wanted = symbol_of(target)
    return lambda symbol, _strategy: symbol == wanted


def _unclear(
    target: str,
    facts: Facts,
    closed: Iterable[ClosedTrade],
    attributed: Attributed,
    symbols_of: Mapped,
    midnight: datetime,
) -> list[AnyTrade]:
    """What may be the strategy's or another's, and names none: in the operator's words, or else any position.

    A closed trade without a strategy is nobody's where the engine names those of others, and the operator gives its
    symbol to none.
    """
    if not is_strategy(target):
        return []
    its = symbols_of.get(target)
    held = [trade for trade in facts.open_trades if attributed(trade.symbol, trade.strategy) is None]
    if its is None:
        return [*held]
    today = (trade for trade in closed if trade.closed_at >= midnight and trade.symbol in its)
    gone = [trade for trade in today if attributed(trade.symbol, trade.strategy) is None]
    return [*gone, *(trade for trade in held if trade.symbol in its)]


def _counting(trades: list[AnyTrade], since: datetime, midnight: datetime) -> list[AnyTrade]:
    """Those that count after a release of this day, which are those opened after it."""
    return trades if since <= midnight else [trade for trade in trades if trade.opened_at > since]


def _today(trades: list[AnyTrade], facts: Facts) -> Today | str:
    for trade in trades:
        if isinstance(trade, OpenTrade) and finite(trade.unrealised_pnl) is None:
            return f"the open position in {trade.symbol} has no mark"
    start, base = facts.day_start.unrealised or {}, facts.day_start.equity
    before = sum((start[trade.id] for trade in trades if trade.id in start), Decimal(0))
    realised = sum((trade.pnl for trade in trades if isinstance(trade, ClosedTrade)), Decimal(0))
    marks = (trade.unrealised_pnl or Decimal(0) for trade in trades if isinstance(trade, OpenTrade))
    unrealised = sum(marks, Decimal(0)) - before
    if not (base.is_finite() and realised.is_finite() and unrealised.is_finite()):
        return NO_BASE
    return Today(realised, unrealised, base, facts.day_start.label)


def _with(unclear: list[AnyTrade], today: Today | str, in_a_row: tuple[ClosedTrade, ...], facts: Facts) -> Losses:
    """The losses of a target, where more may be its."""
    if not unclear or isinstance(today, str):
        return Losses(today, in_a_row)
    at_most = today.usd
    for trade in unclear:
        one = _today([trade], facts)
        if isinstance(one, str):
            return Losses(one, in_a_row)
        at_most += max(one.usd, Decimal(0))
    symbols = ", ".join(sorted({trade.symbol for trade in unclear}))
    return Losses(f"no strategy is named of what is traded in {symbols}", in_a_row, today, at_most)
