"""When a strategy, a symbol or the whole account has lost too much. Pure. USDT; percentages are 0–100.

What each has lost is counted by `losses`. What is not known is never "no breach".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum

from tradeops.domain.brake_targets import Mapped
from tradeops.domain.losses import Facts, Losses, Today, by_closing, finite, left_out, losses
from tradeops.domain.portfolio.portfolio import ClosedTrade

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
    opened after it. Where a strategy may have opened positions that name none, what is certain without them is judged;
    what it has lost is unknown only where it would be too much with them: no bot is alarmed about that trades as usual.
    """
    found = {} if stale(facts, limits) else losses(facts, limits.symbols_of, zone=limits.zone)
    breaches = tuple(breach for target, lost in found.items() for breach in _breaches(target, lost, limits))
    warnings = tuple(_warnings(facts, limits)) if found else ()
    return Verdict(breaches, unknown(facts, limits, found), warnings)


def unknown(facts: Facts, limits: Limits, found: Mapping[str, Losses]) -> tuple[str, ...]:
    """Why not everything can be judged, each reason once; `found` is empty where figures are old, which says all."""
    if old := stale(facts, limits):
        return (old,)
    reasons = [left_out(facts), *(_why_unknown(target, lost, limits) for target, lost in found.items())]
    if finite(facts.equity) is None:
        reasons.append("the engine does not say what the account is worth")
    reasons.append(_still(facts, limits))
    return tuple(dict.fromkeys(filter(None, reasons)))


def judged(target: str, lost: Losses, limits: Limits) -> Today | str:
    """What the limit of a day is judged by: what is certain, where that alone is a breach, else all that it may be."""
    most, certain = limits.daily_loss_of(target), lost.certain
    return certain if certain is not None and _is_over(certain.usd, certain.base, most) else lost.today


def stale(facts: Facts, limits: Limits) -> str:
    """Why the figures are too old to go by; empty when they are not."""
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


def _is_over(loss: Decimal, base: Decimal, percent: Decimal) -> bool:
    return loss > 0 and loss * 100 > base * percent


def _why_unknown(target: str, lost: Losses, limits: Limits) -> str:
    """Why a loss that may be too much is not known; empty where it is, or is not too much in any case."""
    today, most = judged(target, lost, limits), limits.daily_loss_of(target)
    if not isinstance(today, str):
        return ""
    if lost.certain is None or lost.at_most is None:
        return today
    if not _is_over(lost.at_most, lost.certain.base, most):
        return ""
    return f"{target} may have lost up to ${lost.at_most:,.2f} today, more than {most:f} % of the account: {today}"


def _breaches(target: str, lost: Losses, limits: Limits) -> Iterator[Breach]:
    today, most = judged(target, lost, limits), limits.daily_loss_of(target)
    if not isinstance(today, str) and _is_over(today.usd, today.base, most):
        yield _of_the_day(target, today, most)
    if len(lost.in_a_row) > (allowed := limits.losses_of(target)):
        yield _in_a_row(target, lost.in_a_row, allowed)


def _of_the_day(target: str, today: Today, allowed: Decimal) -> Breach:
    loss, base, label, percent = today.usd, today.base, today.label, today.percent
    figures = {
        "loss_usd": str(loss.quantize(CENT)),
        "loss_percent": "n/a" if percent is None else f"{percent:.4f}",
        "limit_percent": f"{allowed:f}",
        "realised_usd": str(today.realised.quantize(CENT)),
        "unrealised_usd": str(today.unrealised.quantize(CENT)),
        "day_start_equity_usd": str(base.quantize(CENT)),
        "day_start": label,
    }
    share = "more than all" if percent is None else f"{percent:.2f} %"
    text = f"lost ${loss:,.2f} today, {share} of ${base:,.2f} at the day's start ({label}); the limit is {allowed:f} %"
    return Breach(target, Limit.DAILY_LOSS, text, figures)


def _in_a_row(target: str, trades: tuple[ClosedTrade, ...], allowed: int) -> Breach:
    lost = -sum((trade.pnl for trade in trades), Decimal(0))
    figures = {"losses": str(len(trades)), "limit": str(allowed), "loss_usd": str(lost.quantize(CENT))}
    text = f"lost {len(trades)} trades in a row, ${lost:,.2f} in all; the limit is {allowed}"
    return Breach(target, Limit.LOSSES_IN_A_ROW, text, figures)


def _warnings(facts: Facts, limits: Limits) -> Iterator[str]:
    equity, peak = finite(facts.equity), finite(facts.peak_equity)
    most = limits.drawdown_warning_percent
    if equity is not None and equity <= 0:
        yield f"the account is worth {equity:,.2f} USDT: nothing is left"
    if most is not None and equity is not None and peak is not None and peak > 0:
        drawdown = (peak - equity) / peak * 100
        if drawdown > most:
            yield f"the account is {drawdown:.2f} % below its peak of ${peak:,.2f}; the warning is at {most:f} %"
    least = limits.win_rate_warning_percent
    last = () if least is None else by_closing(facts)[-limits.win_rate_trades :]
    if least is not None and len(last) == limits.win_rate_trades:
        rate = Decimal(sum(trade.pnl > 0 for trade in last)) / len(last) * 100
        if rate < least:
            yield f"{rate:.1f} % of the last {len(last)} trades were won; the warning is below {least:f} %"
