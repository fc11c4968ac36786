"""The brake for the dashboard: what is off, and how much of each limit is used."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from tradeops.adapters.store import Document, ReadableStore
from tradeops.domain.brake_targets import PORTFOLIO
from tradeops.domain.day_start import DayStart
from tradeops.domain.figures import known, unknown
from tradeops.domain.loss_limits import Limits
from tradeops.domain.losses import Facts
from tradeops.domain.window.conditions import BrakeLine, Used
from tradeops.domain.window.limits_used import daily_losses, losing_streaks
from tradeops.domain.window.values import Panel, State
from tradeops.jobs.brake.records import COLLECTION
from tradeops.jobs.window.live import Look
from tradeops.jobs.window.recent import Recent, day_start

NEARLY = 80.0
NO_TRADE = Used(unknown("it has not traded"), "it has not traded")
NOTHING_TODAY = Used(known(0), "nothing was traded today")


class Brakes:
    """Makes the panel; streaks are counted anew only when a trade or a release has come.

    Args:
        store: where the brake keeps what stands.
    """

    def __init__(self, store: ReadableStore) -> None:
        self._store = store
        self._counted: tuple[Recent, Mapping[str, datetime], Mapping[str, Used]] | None = None

    async def panel(
        self, limits: Limits, recent: Recent | str, look: Look, *, now: datetime
    ) -> Panel[tuple[BrakeLine, ...]]:
        """What is off first, then the account, the strategies, the symbols.

        Streaks are counted over the last 1,000 trades of a month, and losses of today over all of today's.

        Raises:
            UnavailableError: the store is down.
        """
        if isinstance(recent, str):
            return Panel(None, recent)
        stand = {str(one.body["target"]): one for one in await self._store.documents(COLLECTION)}
        start = day_start(recent, look, limits, now=now)
        is_known = isinstance(start, DayStart)
        facts = Facts(
            now=now,
            as_of=look.as_of,
            day_start=start if isinstance(start, DayStart) else DayStart(recent.midnight.date(), Decimal(1), is_known),
            equity=look.equity,
            open_trades=look.open_trades,
            closed_trades=recent.trades,
            released={target: at for target, one in stand.items() if (at := _released(one)) is not None},
        )
        streaks = self._streaks(facts, limits, recent)
        blind = look.problem or (start if isinstance(start, str) else "")
        named = tuple({trade.strategy for trade in recent.trades if trade.strategy})
        of_today = tuple(trade for trade in recent.trades if trade.closed_at >= recent.midnight)
        today = replace(facts, closed_trades=of_today, strategies=named)
        daily = None if blind else daily_losses(today, limits)
        lines = [_line(target, stand.get(target), streaks, daily, blind) for target in _targets(streaks, daily, stand)]
        return Panel(tuple(sorted(lines, key=lambda one: not one.off)), as_of=look.at)

    def _streaks(self, facts: Facts, limits: Limits, recent: Recent) -> Mapping[str, Used]:
        if self._counted is None or self._counted[0] is not recent or self._counted[1] != facts.released:
            self._counted = recent, facts.released, losing_streaks(facts, limits)
        return self._counted[2]


def _targets(
    streaks: Mapping[str, Used], daily: Mapping[str, Used] | None, stand: Mapping[str, Document]
) -> Iterable[str]:
    off = (target for target, one in stand.items() if _released(one) is None)
    return dict.fromkeys((*streaks, *(daily or ()), *off))


def _line(
    target: str,
    kept: Document | None,
    streaks: Mapping[str, Used],
    daily: Mapping[str, Used] | None,
    blind: str,
) -> BrakeLine:
    """`blind` is why the losses of today cannot be told."""
    body: Any = kept.body if kept is not None and _released(kept) is None else None
    losses = streaks.get(target, NO_TRADE)
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


def _of_today(target: str, daily: Mapping[str, Used]) -> Used:
    """What has not traded today has lost nothing, unless it is not known what was lost at all."""
    account = daily[PORTFOLIO]
    return daily.get(target, account if account.percent.value is None else NOTHING_TODAY)


def _released(document: Document) -> datetime | None:
    at = document.body.get("released_at")
    return None if at is None else datetime.fromisoformat(str(at))
