"""When nobody is asked at all: too few trades, or nothing that is bad enough. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta

from tradeops.domain.decisions.evidence import AHEAD, Missing, Week
from tradeops.domain.decisions.gate import Policy


@dataclass(frozen=True, slots=True)
class Skip:
    """Why there is no analysis.

    Attributes:
        code: `no_analysis`, `few_trades`, `nothing_critical`, `stale_analysis`, `no_key`, `no_budget`, `too_soon`,
            `busy`.
        reason: in words.
    """

    code: str
    reason: str


def skip(week: Week | Missing, *, forced: bool, today: date, policy: Policy) -> Skip | None:
    """Why the trades give no reason to ask; `None` when they do.

    `forced` overrides that nothing is critical, and that the analysis is not of today; never that there are too few
    trades.
    """
    if isinstance(week, Missing):
        return Skip("no_analysis", f"there is no analysis of performance: {week.reason}")
    if week.total_trades < policy.fewest_trades:
        trades = "1 trade" if week.total_trades == 1 else f"{week.total_trades} trades"
        return Skip("few_trades", f"{trades} in seven days, at least {policy.fewest_trades} are needed")
    if forced:
        return None
    if week.date != today:
        return Skip("stale_analysis", f"the last analysis of performance is of {week.date}, there is none of today")
    if not (week.critical or week.triggers):
        return Skip("nothing_critical", f"no metric of the seven days before {week.date} is critical")
    return None


def too_soon(since_last: timedelta | None, at_least: timedelta) -> Skip | None:
    """Why an analysis would follow the last one too closely; `None` when it would not.

    One that lies further in the future than clocks differ was timed by a clock that was wrong, and bars nobody.
    """
    if since_last is None or since_last >= at_least or since_last < -AHEAD:
        return None
    seconds = max(int(since_last.total_seconds()), 0)
    return Skip("too_soon", f"the last analysis was {seconds} s ago, {at_least.total_seconds():g} s must pass")
