"""How much of each loss limit is used so far. Pure.

The rules are those of the guard: it is asked with limits of zero, so that its verdict names every loss there is.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from tradeops.domain.brake_targets import PORTFOLIO, SYMBOL, strategy_named, strategy_of
from tradeops.domain.figures import known, unknown
from tradeops.domain.loss_limits import Facts, Limit, Limits, judge
from tradeops.domain.window.conditions import Used


def targets(facts: Facts, limits: Limits) -> tuple[str, ...]:
    """The account, then each strategy that trades are attributed to or that has limits, then each symbol."""
    further = tuple(limits.symbols_of)
    named = {name for one in {t.strategy for t in facts.closed_trades} if (name := strategy_named(one, further))}
    symbols = {t.symbol for t in facts.closed_trades} | {t.symbol for t in facts.open_trades}
    owners = {owner for symbol in symbols if (owner := strategy_of(symbol, limits.symbols_of))}
    return (PORTFOLIO, *sorted(named | owners | set(further)), *sorted(SYMBOL + symbol for symbol in symbols))


def daily_losses(facts: Facts, limits: Limits) -> Mapping[str, Used]:
    """The loss of today of each target, of what it may lose."""
    verdict = judge(facts, _zero(limits))
    lost = {b.target: b.figures for b in verdict.breaches if b.limit is Limit.DAILY_LOSS}
    found = {}
    for target in targets(facts, limits):
        allowed = limits.daily_loss_of(target)
        if target in lost and lost[target]["loss_percent"] != "n/a":
            percent = Decimal(lost[target]["loss_percent"])
            says = f"lost {percent:.2f} % of the account today, the limit is {allowed:f} %"
            found[target] = Used(known(float(100 * percent / allowed)), says)
        elif target in lost:
            reason = f"lost ${lost[target]['loss_usd']} today, of an account that was worth nothing when the day began"
            found[target] = Used(unknown(reason), reason)
        elif verdict.unknown:
            reason = "; ".join(verdict.unknown)
            found[target] = Used(unknown(reason), f"n/a: {reason}")
        else:
            found[target] = Used(known(0), f"no loss today, the limit is {allowed:f} %")
    return found


def losing_streaks(facts: Facts, limits: Limits) -> Mapping[str, Used]:
    """The trades in a row that each target has lost, of how many it may lose; needs closed trades alone."""
    known_facts = replace(facts, as_of=facts.now, open_trades=(), equity=Decimal(1))
    verdict = judge(known_facts, _zero(limits))
    lost = {b.target: int(b.figures["losses"]) for b in verdict.breaches if b.limit is Limit.LOSSES_IN_A_ROW}
    found = {}
    for target in targets(facts, limits):
        allowed = limits.losses_of(target)
        if not lost and verdict.unknown:
            reason = "; ".join(verdict.unknown)
            found[target] = Used(unknown(reason), f"n/a: {reason}")
        else:
            streak = lost.get(target, 0)
            found[target] = Used(known(100 * streak / allowed), f"{streak} lost in a row, the limit is {allowed}")
    return found


def _zero(limits: Limits) -> Limits:
    return replace(limits, daily_loss_percent=Decimal(0), consecutive_losses=0, own={})
