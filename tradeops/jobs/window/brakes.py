"""The brake for the dashboard: what is off, and how much of each limit is used."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tradeops.adapters.store import Document, Store
from tradeops.domain.day_start import DayStart, midnight_of
from tradeops.domain.figures import unknown
from tradeops.domain.loss_limits import Facts, Limits
from tradeops.domain.window.limits_used import daily_losses, losing_streaks
from tradeops.domain.window.overview import BrakeLine, Used
from tradeops.domain.window.values import Panel, State
from tradeops.jobs.brake.records import COLLECTION
from tradeops.jobs.reports import trades
from tradeops.jobs.window.live import Look
from tradeops.jobs.window.money import day_start
from tradeops.settings import Settings

MOST_TRADES = 1000
LOOK_BACK = timedelta(days=30)
NEARLY = 80.0
STALE_AFTER = timedelta(seconds=60)


async def panel(store: Store, settings: Settings, look: Look, *, now: datetime) -> Panel[tuple[BrakeLine, ...]]:
    """What is off first, then the account, the strategies, the symbols.

    Streaks are counted over the last 1,000 trades of a month, and losses of today over all of today's.

    Raises:
        UnavailableError: the store is down.
    """
    limits = settings.loss_limits(stale_after=timedelta(seconds=settings.guard_stale_seconds))
    midnight, soon = midnight_of(now, limits.zone), now + timedelta(hours=1)
    documents, recent, today, start = await asyncio.gather(
        store.documents(COLLECTION),
        trades.newest(store, since=now - LOOK_BACK, until=soon, limit=MOST_TRADES),
        trades.newest(store, since=midnight, until=soon, limit=10 * MOST_TRADES),
        day_start(store, settings, look, now=now),
    )
    stand = {str(one.body["target"]): one for one in documents}
    facts = Facts(
        now=now,
        as_of=look.as_of,
        day_start=start if isinstance(start, DayStart) else DayStart(midnight.date(), Decimal(1), observed=False),
        equity=look.equity,
        open_trades=look.open_trades,
        closed_trades=tuple({trade.id: trade for trade in (*recent, *today)}.values()),
        released={target: at for target, one in stand.items() if (at := _released(one)) is not None},
    )
    lines = _lines(facts, limits, stand, look.problem or (start if isinstance(start, str) else ""))
    return Panel(tuple(sorted(lines, key=lambda one: not one.off)), as_of=look.at)


def _lines(facts: Facts, limits: Limits, stand: dict[str, Document], blind: str) -> list[BrakeLine]:
    """`blind` is why the losses of today cannot be told."""
    streaks = losing_streaks(facts, limits)
    nothing = Used(unknown(blind), f"n/a: {blind}") if blind else None
    daily = dict.fromkeys(streaks, nothing) if nothing else dict(daily_losses(facts, limits))
    none = Used(unknown("it has not traded"), "it has not traded")
    found = []
    for target in dict.fromkeys((*streaks, *(name for name, one in stand.items() if _released(one) is None))):
        kept = stand.get(target)
        body: Any = kept.body if kept is not None and _released(kept) is None else None
        losses, loss = streaks.get(target, none), daily.get(target) or none
        near = any((one.percent.value or 0) >= NEARLY for one in (losses, loss))
        found.append(
            BrakeLine(
                target=target,
                off=body is not None,
                confirmed=None if body is None else body.get("confirmed") is True,
                since=None if body is None else datetime.fromisoformat(str(body["since"])),
                reason="" if body is None else str(body.get("reason") or ""),
                actor="" if body is None else str(body.get("actor") or ""),
                daily_loss=loss,
                losses=losses,
                state=State.CRITICAL
                if body is not None
                else State.DEGRADED
                if near
                else State.UNKNOWN
                if loss.percent.value is None
                else State.HEALTHY,
            )
        )
    return found


def _released(document: Document) -> datetime | None:
    at = document.body.get("released_at")
    return None if at is None else datetime.fromisoformat(str(at))
