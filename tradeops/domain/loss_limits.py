"""When a strategy, a symbol or the whole account has lost too much. Pure. USDT; percentages are 0–100.

The loss of a day is what its closed trades brought, and what the marks of open positions changed since midnight: money
that is paid in or out, and an engine that begins anew, are no part of it. The base of every percentage is what the
account was worth when the day began, in the zone of the limits. What is not known is never "no breach".
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from functools import cache, partial

from tradeops.domain.brake_targets import PORTFOLIO, SYMBOL, Mapped, is_strategy, strategy_named, strategy_of, symbol_of
from tradeops.domain.day_start import DayStart, midnight_of
from tradeops.domain.portfolio.portfolio import ClosedTrade, OpenTrade

CENT = Decimal("0.01")
AHEAD = timedelta(minutes=5)


class Limit(StrEnum):
    """What can be exceeded."""

    DAILY_LOSS = "daily loss"
    LOSSES_IN_A_ROW = "losses in a row"


@dataclass(frozen=True, slots=True)
class Own:
    """The limits of one target, where they differ; `None` is "as everybody's"."""

    daily_loss_percent: Decimal | None = None
    consecutive_losses: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What is too much. More than the limit is; the limit itself is not.

    Attributes:
        daily_loss_percent: of the account at the day's beginning.
        consecutive_losses: of closed trades.
        own: by target.
        zone: of the day.
        symbols_of: the symbols of each strategy, as the operator says: trades without a strategy are attributed by it.
        stale_after: an engine whose clock is further behind tells nothing.
        marks_still_after: an engine that has shown the same marks for longer may have lost its market data.
        drawdown_warning_percent: of the peak; more is a warning. `None` does not look.
        win_rate_warning_percent: less, over the last `win_rate_trades`, is a warning. `None` does not look.
        win_rate_trades: so many trades; with fewer there is no win rate.
    """

    daily_loss_percent: Decimal = Decimal(10)
    consecutive_losses: int = 10
    own: Mapping[str, Own] = field(default_factory=dict)
    symbols_of: Mapped = field(default_factory=dict)
    zone: tzinfo = UTC
    stale_after: timedelta = timedelta(seconds=60)
    marks_still_after: timedelta = timedelta(minutes=10)
    drawdown_warning_percent: Decimal | None = None
    win_rate_warning_percent: Decimal | None = None
    win_rate_trades: int = 20

    def daily_loss_of(self, target: str) -> Decimal:
        """Percent."""
        own = self.own.get(target, Own()).daily_loss_percent
        return self.daily_loss_percent if own is None else own

    def losses_of(self, target: str) -> int:
        """How many in a row are still allowed."""
        own = self.own.get(target, Own()).consecutive_losses
        return self.consecutive_losses if own is None else own


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


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that is exceeded.

    Attributes:
        target: what must be switched off.
        limit: which.
        text: how, in one line.
        figures: the same in names and values.
    """

    target: str
    limit: Limit
    text: str
    figures: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that one look says.

    Attributes:
        breaches: of the whole account first.
        unknown: why something could not be judged; as bad as a breach until it is known.
        warnings: of the soft limits.
    """

    breaches: tuple[Breach, ...] = ()
    unknown: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def judge(facts: Facts, limits: Limits) -> Verdict:
    """What is exceeded, what cannot be told, and what comes close.

    Figures that are old judge nothing. Marks that all stand still are said, and judged as they are. Trades that cannot
    be true are left out, which is said, and the others judged; a mark that is missing leaves the other symbols judged.
    What a person has released is judged by the trades since: their streak by those closed after it, their day by those
    opened after it.
    """
    if stale := _stale(facts, limits):
        return Verdict(unknown=(stale,))
    whole = [trade for trade in facts.closed_trades if trade.pnl.is_finite()]
    closed = tuple(sorted(whole, key=lambda trade: (trade.closed_at, trade.id)))
    breaches: list[Breach] = []
    unknown: list[str] = []
    if left_out := facts.rejected + len(facts.closed_trades) - len(whole):
        unknown.append(f"{left_out} trade{'s have' if left_out > 1 else ' has'} figures that cannot be true")
    for target in _targets(facts, limits):
        belongs = _belonging(target, limits)
        mine = tuple(trade for trade in closed if belongs(trade.symbol, trade.strategy))
        daily = _daily(target, facts, limits, mine, belongs)
        if isinstance(daily, str):
            unknown.append(daily)
        elif daily is not None:
            breaches.append(daily)
        if streak := _streak(target, facts, limits, mine):
            breaches.append(streak)
    if _finite(facts.equity) is None:
        unknown.append("the engine does not say what the account is worth")
    if still := _still(facts, limits):
        unknown.append(still)
    return Verdict(tuple(breaches), tuple(dict.fromkeys(unknown)), tuple(_warnings(facts, limits, closed)))


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


def _stale(facts: Facts, limits: Limits) -> str:
    if facts.as_of is None:
        return "the engine does not say of when its figures are"
    age = facts.now - facts.as_of
    if age > limits.stale_after:
        return f"the engine's figures are {age.total_seconds():.0f} s old"
    return "the engine's clock is minutes ahead of ours" if age < -AHEAD else ""


def _still(facts: Facts, limits: Limits) -> str:
    if facts.marks_moved_at is None or facts.now - facts.marks_moved_at <= limits.marks_still_after:
        return ""
    minutes = (facts.now - facts.marks_moved_at).total_seconds() / 60
    return f"no mark of an open trade has moved for {minutes:.0f} min while the engine's clock does"


def _targets(facts: Facts, limits: Limits) -> Iterator[str]:
    """The account, then each strategy that trades are attributed to, then each symbol."""
    yield PORTFOLIO
    written = {trade.strategy for trade in facts.closed_trades if trade.strategy}
    named = {name for one in written if (name := strategy_named(one, limits.symbols_of))}
    symbols = {trade.symbol for trade in facts.closed_trades} | {trade.symbol for trade in facts.open_trades}
    yield from sorted(named | {owner for one in symbols if (owner := strategy_of(one, limits.symbols_of))})
    yield from sorted(SYMBOL + symbol for symbol in symbols)


def _belonging(target: str, limits: Limits) -> Callable[[str, str | None], bool]:
    if target == PORTFOLIO:
        return lambda _symbol, _strategy: True
    if is_strategy(target):
        of_text = cache(partial(strategy_named, further=tuple(limits.symbols_of)))
        return lambda symbol, strategy: target == (of_text(strategy) or strategy_of(symbol, limits.symbols_of))
    wanted = symbol_of(target)
    return lambda symbol, _strategy: symbol == wanted


def _daily(
    target: str,
    facts: Facts,
    limits: Limits,
    closed: tuple[ClosedTrade, ...],
    belongs: Callable[[str, str | None], bool],
) -> Breach | str | None:
    """The breach of a target's day, why it cannot be told, or `None` when all is well."""
    midnight = midnight_of(facts.now, limits.zone)
    since = facts.released.get(target, midnight)
    today = [trade for trade in closed if trade.closed_at >= midnight]
    held = [trade for trade in facts.open_trades if belongs(trade.symbol, None)]
    if since > midnight:
        today = [trade for trade in today if trade.opened_at > since]
        held = [trade for trade in held if trade.opened_at > since]
    for trade in held:
        if trade.unrealised_pnl is None or not trade.unrealised_pnl.is_finite():
            return f"the open position in {trade.symbol} has no mark"
    base, start = facts.day_start.equity, facts.day_start.unrealised or {}
    traded: list[ClosedTrade | OpenTrade] = [*today, *held]
    carried = {trade.symbol for trade in traded if trade.opened_at < midnight}
    before = sum((start[symbol] for symbol in carried if symbol in start), Decimal(0))
    realised = sum((trade.pnl for trade in today), Decimal(0))
    unrealised = sum((trade.unrealised_pnl or Decimal(0) for trade in held), Decimal(0))
    loss = before - realised - unrealised
    if not (base.is_finite() and loss.is_finite()):
        return "what the account was worth when the day began is no number"
    allowed = limits.daily_loss_of(target)
    if not (loss > 0 and loss * 100 > base * allowed):
        return None
    label = facts.day_start.label
    share = f"{loss / base * 100:.2f} %" if base > 0 else "more than all"
    figures = {
        "loss_usd": str(loss.quantize(CENT)),
        "loss_percent": f"{loss / base * 100:.4f}" if base > 0 else "n/a",
        "limit_percent": f"{allowed:f}",
        "realised_usd": str(realised.quantize(CENT)),
        "unrealised_usd": str((unrealised - before).quantize(CENT)),
        "day_start_equity_usd": str(base.quantize(CENT)),
        "day_start": label,
    }
    text = f"lost ${loss:,.2f} today, {share} of ${base:,.2f} at the day's start ({label}); the limit is {allowed:f} %"
    return Breach(target, Limit.DAILY_LOSS, text, figures)


def _streak(target: str, facts: Facts, limits: Limits, closed: tuple[ClosedTrade, ...]) -> Breach | None:
    streak, allowed = losing_streak(closed, since=facts.released.get(target)), limits.losses_of(target)
    if streak <= allowed:
        return None
    lost = -sum((trade.pnl for trade in closed[-streak:]), Decimal(0))
    figures = {"losses": str(streak), "limit": str(allowed), "loss_usd": str(lost.quantize(CENT))}
    text = f"lost {streak} trades in a row, ${lost:,.2f} in all; the limit is {allowed}"
    return Breach(target, Limit.LOSSES_IN_A_ROW, text, figures)


def _warnings(facts: Facts, limits: Limits, closed: tuple[ClosedTrade, ...]) -> Iterator[str]:
    equity, peak = _finite(facts.equity), _finite(facts.peak_equity)
    most = limits.drawdown_warning_percent
    if equity is not None and equity <= 0:
        yield f"the account is worth {equity:,.2f} USDT: nothing is left"
    if most is not None and equity is not None and peak is not None and peak > 0:
        drawdown = (peak - equity) / peak * 100
        if drawdown > most:
            yield f"the account is {drawdown:.2f} % below its peak of ${peak:,.2f}; the warning is at {most:f} %"
    least, last = limits.win_rate_warning_percent, closed[-limits.win_rate_trades :]
    if least is not None and len(last) == limits.win_rate_trades:
        rate = Decimal(sum(trade.pnl > 0 for trade in last)) / len(last) * 100
        if rate < least:
            yield f"{rate:.1f} % of the last {len(last)} trades were won; the warning is below {least:f} %"


def _finite(amount: Decimal | None) -> Decimal | None:
    return amount if amount is not None and amount.is_finite() else None
