"""How much of each loss limit is used so far. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from tradeops.domain.brake_targets import PORTFOLIO
from tradeops.domain.day_start import midnight_of
from tradeops.domain.figures import known, unknown
from tradeops.domain.loss_limits import Limits, judged, stale
from tradeops.domain.loss_limits import unknown as unknown_of
from tradeops.domain.losses import Facts, Today, by_closing, left_out, losses
from tradeops.domain.window.conditions import Used

STILL_READING = "older trades are still being read from the store"
OPEN_END = Used(unknown(STILL_READING), f"n/a: {STILL_READING}")


def day_of(facts: Facts, limits: Limits) -> Today | str:
    """What the account's day brought so far, also before a person released it; or why that is not known."""
    if reason := stale(facts, limits) or left_out(facts):
        return reason
    return losses(replace(facts, released={}), {}, zone=limits.zone)[PORTFOLIO].today


def daily_losses(facts: Facts, limits: Limits) -> Mapping[str, Used]:
    """The loss of today of each target, of what it may lose."""
    found = losses(facts, limits.symbols_of, zone=limits.zone)
    reason = "; ".join(unknown_of(facts, limits, found))
    is_stale, midnight = bool(stale(facts, limits)), midnight_of(facts.now, limits.zone)

    def used(target: str, today: Today | str) -> Used:
        allowed = limits.daily_loss_of(target)
        released = facts.released.get(target, midnight)
        when = f"since its release at {released.astimezone(limits.zone):%H:%M}" if released > midnight else "today"
        if is_stale or isinstance(today, str) or (today.usd <= 0 and reason):
            why = today if isinstance(today, str) and not is_stale else reason
            return Used(unknown(why), f"n/a: {why}")
        if today.usd <= 0:
            return Used(known(0), f"no loss {when}, the limit is {allowed:f} %")
        if today.percent is None:
            why = f"lost ${today.usd:.2f} {when}, of an account that was worth nothing when the day began"
            return Used(unknown(why), why)
        says = f"lost {today.percent:.2f} % of the account {when}, the limit is {allowed:f} %"
        return Used(known(float(100 * today.percent / allowed)), says)

    return {target: used(target, judged(target, lost, limits)) for target, lost in found.items()}


def losing_streaks(facts: Facts, limits: Limits, *, is_whole: bool = True) -> Mapping[str, Used]:
    """The trades in a row that each target has lost, of how many it may lose; needs closed trades alone.

    Args:
        facts: with the trades that matter.
        limits: of each target.
        is_whole: there are no older trades; else what has lost all that are known may have lost more.
    """
    found = losses(facts, limits.symbols_of, zone=limits.zone)
    if (reason := left_out(facts)) and not any(lost.in_a_row for lost in found.values()):
        return dict.fromkeys(found, Used(unknown(reason), f"n/a: {reason}"))
    counted = found if is_whole else _with_an_end(facts, limits)
    used = {}
    for target, lost in found.items():
        streak, allowed = len(lost.in_a_row), limits.losses_of(target)
        says = f"{streak} lost in a row, the limit is {allowed}"
        used[target] = Used(known(100 * streak / allowed), says) if target in counted else OPEN_END
    return used


def _with_an_end(facts: Facts, limits: Limits) -> frozenset[str]:
    """The targets among whose trades is one that was not lost: found by counting those alone, as if they were."""
    turned = tuple(replace(trade, pnl=Decimal(-1)) for trade in by_closing(facts) if trade.pnl >= 0)
    found = losses(replace(facts, closed_trades=turned, released={}), limits.symbols_of, zone=limits.zone)
    return frozenset(target for target, one in found.items() if one.in_a_row)
