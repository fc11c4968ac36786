"""How much of each loss limit is used so far. Pure."""

from collections.abc import Mapping

from tradeops.domain.figures import known, unknown
from tradeops.domain.loss_limits import Limits, judged, stale
from tradeops.domain.loss_limits import unknown as unknown_of
from tradeops.domain.losses import Facts, Today, left_out, losses
from tradeops.domain.window.conditions import Used


def daily_losses(facts: Facts, limits: Limits) -> Mapping[str, Used]:
    """The loss of today of each target, of what it may lose."""
    found = losses(facts, limits.symbols_of, zone=limits.zone)
    reason = "; ".join(unknown_of(facts, limits, found))
    is_stale = bool(stale(facts, limits))

    def used(target: str, today: Today | str) -> Used:
        allowed = limits.daily_loss_of(target)
        if is_stale or isinstance(today, str) or (today.usd <= 0 and reason):
            why = today if isinstance(today, str) and not is_stale else reason
            return Used(unknown(why), f"n/a: {why}")
        if today.usd <= 0:
            return Used(known(0), f"no loss today, the limit is {allowed:f} %")
        if today.percent is None:
            why = f"lost ${today.usd:.2f} today, of an account that was worth nothing when the day began"
            return Used(unknown(why), why)
        says = f"lost {today.percent:.2f} % of the account today, the limit is {allowed:f} %"
        return Used(known(float(100 * today.percent / allowed)), says)

    return {target: used(target, judged(target, lost, limits)) for target, lost in found.items()}


def losing_streaks(facts: Facts, limits: Limits) -> Mapping[str, Used]:
    """The trades in a row that each target has lost, of how many it may lose; needs closed trades alone."""
    found = losses(facts, limits.symbols_of, zone=limits.zone)
    if (reason := left_out(facts)) and not any(lost.in_a_row for lost in found.values()):
        return dict.fromkeys(found, Used(unknown(reason), f"n/a: {reason}"))
    used = {}
    for target, lost in found.items():
        streak, allowed = len(lost.in_a_row), limits.losses_of(target)
        used[target] = Used(known(100 * streak / allowed), f"{streak} lost in a row, the limit is {allowed}")
    return used
