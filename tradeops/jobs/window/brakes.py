"""The brake for the dashboard: what is off, and how much of each limit is used."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from tradeops.adapters.store import Document, ReadableStore
from tradeops.domain.brake_targets import PORTFOLIO
from tradeops.domain.day_start import DayStart, midnight_of
from tradeops.domain.figures import known, unknown
from tradeops.domain.loss_limits import Limits
from tradeops.domain.losses import Facts
from tradeops.domain.window.conditions import BrakeLine, Used
from tradeops.domain.window.limits_used import OPEN_END, daily_losses, losing_streaks
from tradeops.domain.window.values import Panel, State
from tradeops.jobs.brake.records import COLLECTION
from tradeops.jobs.window.live import Look
from tradeops.jobs.window.streaks import Streaks
from tradeops.jobs.window.today import Day

NEARLY = 80.0
NO_TRADE = Used(unknown("it has not traded"), "it has not traded")
NOTHING_TODAY = Used(known(0), "nothing was traded today")

Uses = Mapping[str, Used]


class Brakes:
    """Makes the panel; what is used is counted anew only when a trade, a look or a release has come.

    Args:
        store: where the brake keeps what stands.
    """

    def __init__(self, store: ReadableStore) -> None:
        self._store = store
        self._counted: tuple[Hashable, Mapping[str, datetime], Uses] | None = None
        self._lost: tuple[Facts, Mapping[str, datetime], tuple[str, ...], Uses] | None = None

    async def panel(
        self, limits: Limits, day: Day, streaks: Streaks, look: Look, *, now: datetime
    ) -> Panel[tuple[BrakeLine, ...]]:
        """What is off first, then the account, the strategies, the symbols.

        Streaks are counted over every trade that was ever kept, and losses of today over all of today's.

        Raises:
            UnavailableError: the store is down.
        """
        stand = {str(one.body["target"]): one for one in await self._store.documents(COLLECTION)}
        released = {target: at for target, one in stand.items() if (at := _released(one)) is not None}
        in_a_row = self._streaks(limits, streaks, released, now)
        daily = (
            None if isinstance(day.facts, str) else self._daily(limits, day.facts, released, streaks.tails.strategies)
        )
        blind = day.facts if isinstance(day.facts, str) else ""
        none = NO_TRADE if streaks.is_whole else OPEN_END
        lines = [
            _line(target, stand.get(target), in_a_row.get(target, none), daily, blind)
            for target in _targets(in_a_row, daily, stand)
        ]
        return Panel(tuple(sorted(lines, key=lambda one: not one.off)), as_of=look.at)

    def _streaks(self, limits: Limits, streaks: Streaks, released: Mapping[str, datetime], now: datetime) -> Uses:
        mark = streaks.tails.mark, streaks.is_whole
        if self._counted is None or self._counted[:2] != (mark, released):
            base = DayStart(midnight_of(now, limits.zone).date(), Decimal(1), observed=False)  # no streak needs one
            facts = Facts(now, None, base, None, (), streaks.tails.trades, released=released)
            self._counted = mark, released, losing_streaks(facts, limits, is_whole=streaks.is_whole)
        return self._counted[2]

    def _daily(self, limits: Limits, facts: Facts, released: Mapping[str, datetime], named: tuple[str, ...]) -> Uses:
        if self._lost is None or self._lost[0] is not facts or self._lost[1:3] != (released, named):
            lost = daily_losses(replace(facts, released=released, strategies=named), limits)
            self._lost = facts, released, named, lost
        return self._lost[3]


def _targets(streaks: Uses, daily: Uses | None, stand: Mapping[str, Document]) -> Iterable[str]:
    off = (target for target, one in stand.items() if _released(one) is None)
    return dict.fromkeys((*streaks, *(daily or ()), *off))


def _line(target: str, kept: Document | None, losses: Used, daily: Uses | None, blind: str) -> BrakeLine:
    """`blind` is why the losses of today cannot be told."""
    body: Any = kept.body if kept is not None and _released(kept) is None else None
    loss = Used(unknown(blind), f"n/a: {blind}") if daily is None else _of_today(target, daily)
    near = any((one.percent.value or 0) >= NEARLY for one in (losses, loss))
    usual = State.UNKNOWN if loss.percent.value is None else State.DEGRADED if near else State.HEALTHY
    return BrakeLine(
        target=target,
        off=body is not None,
        confirmed=None if body is None else body.get("confirmed") is True,
        since=None if body is None else datetime.fromisoformat(str(body["since"])),
        reason="" if body is None else str(body.get("reason") or ""),
        actor="" if body is None else str(body.get("actor") or ""),
        daily_loss=loss,
        losses=losses,
        state=State.CRITICAL if body is not None else usual,
    )


def _of_today(target: str, daily: Uses) -> Used:
    """What has not traded today has lost nothing, unless it is not known what was lost at all."""
    account = daily[PORTFOLIO]
    return daily.get(target, account if account.percent.value is None else NOTHING_TODAY)


def _released(document: Document) -> datetime | None:
    at = document.body.get("released_at")
    return None if at is None else datetime.fromisoformat(str(at))
