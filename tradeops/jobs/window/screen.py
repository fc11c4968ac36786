"""The one screen: its panels side by side, each made anew only when there is something new in it."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import TypeVar

from tradeops.domain.window.curve import Curve
from tradeops.domain.window.overview import Overview, StatusView
from tradeops.domain.window.values import Panel, Range
from tradeops.errors import TradeOpsError
from tradeops.jobs.window import costs, decisions, desk, health, incidents, models, money, performance
from tradeops.jobs.window.asking import panel
from tradeops.jobs.window.brakes import Brakes
from tradeops.jobs.window.histories import Histories
from tradeops.jobs.window.live import Live
from tradeops.jobs.window.recent import Lately
from tradeops.jobs.window.remembered import A_WHILE, Remembered
from tradeops.jobs.window.sources import Sources
from tradeops.jobs.window.today import Days

T = TypeVar("T")
Marks = Mapping[str, str] | None


class Screen:
    """Makes overviews.

    Args:
        sources: what is read.
        histories: what charts are drawn from.
        live: the engine.
    """

    def __init__(self, sources: Sources, histories: Histories, live: Live) -> None:
        self._sources = sources
        self._histories = histories
        self._live = live
        self._lately = Lately(sources.store)
        self._days = Days()
        self._brakes = Brakes(sources.store)
        self._remembered = Remembered()
        self._curves: dict[Range, tuple[object, datetime, Curve | None]] = {}

    async def overview(self, range_: Range, marks: Marks, *, now: datetime, trouble: str) -> Overview:
        """All panels; what cannot be read says so.

        Args:
            range_: of charts, strips and percentiles.
            marks: of the topics; `None` is not known.
            now: aware.
            trouble: why the history is not up to date; empty when it is.
        """
        store, settings, past = self._sources.store, self._sources.settings, self._histories
        limits = settings.loss_limits(stale_after=settings.stale_after, marks_still_after=settings.marks_still_after)
        look, lately = await asyncio.gather(self._live.look(), self._lately.read(limits, past.trades, now=now))
        newest = past.health.newest or trouble or past.health.why_nothing(health.NEVER)
        day = self._days.of(limits, lately, look, past.equity, now=now)
        rates = performance.win_rates(past.performance)
        keep, of = self._remembered.panel, partial(_marked, marks)
        curve = self._curve(range_, now)
        first = asyncio.gather(
            panel(lambda: incidents.panel(store, now=now)),
            keep(
                ("services", range_),
                of("health", past.health.mark),
                lambda: health.panel(newest, past.health, range_, trouble, now=now),
                now=now,
            ),
            panel(lambda: money.panel(day, past.equity, curve, look, range_, trouble, now=now)),
            keep(
                ("performance", range_),
                of("performance", past.performance.mark),
                lambda: performance.panel(past.performance, range_, trouble, now=now),
                now=now,
            ),
            keep(
                ("trading", range_),
                of("money", past.trades.mark, trouble),
                lambda: _at_once(performance.traded(past.trades, range_, trouble, now=now)),
                now=now,
            ),
        )
        spent = keep("costs", of("costs"), lambda: costs.panel(store, settings, now=now), now=now)
        second = asyncio.gather(
            keep(
                "decisions",
                of("decisions", past.performance.mark),
                lambda: decisions.panel(store, settings, rates, now=now),
                now=now,
            ),
            keep("models", of("models"), lambda: models.panel(store, settings, now=now), now=now),
            panel(lambda: self._brakes.panel(limits, day, past.streaks, look, now=now)),
            keep("drill", of("drill"), lambda: desk.drill(store, settings, now=now), now=now),
            keep(
                "heartbeats",
                of("heartbeats"),
                lambda: desk.heartbeats(store, settings, now=now),
                now=now,
            ),
        )
        opened, parts, worth, week, traded = await first
        decided, lineage, brakes, drill, beats = await second
        return Overview(
            at=now,
            range=range_,
            covered_since=past.covered_since,
            headline=health.headline(newest, opened, parts.why, now=now),
            incidents=opened,
            services=parts,
            money=worth,
            performance=week,
            trading=traded,
            costs=await spent,
            decisions=decided,
            models=lineage,
            brakes=brakes,
            drill=drill,
            heartbeats=beats,
            notes=tuple(note for note in (trouble, f"engine: {look.problem}" if look.problem else "") if note),
        )

    def _curve(self, range_: Range, now: datetime) -> Curve | None:
        history = self._histories.equity
        found = self._curves.get(range_)
        if found is None or found[0] != history.mark or now - found[1] > A_WHILE:
            found = history.mark, now, money.curve_of(history, range_, now=now)
            self._curves[range_] = found
        return found[2]

    async def status(self, *, now: datetime, trouble: TradeOpsError | None) -> StatusView:
        """States alone.

        Raises:
            UnavailableError: the store is down, and was since the dashboard began.
        """
        newest = self._histories.health.newest
        if newest is None and trouble is not None:
            raise trouble
        opened = await panel(lambda: incidents.panel(self._sources.store, now=now))
        head = health.headline(newest, opened, health.NEVER, now=now)
        count = None if opened.content is None else len(opened.content)
        return health.status(newest, self._histories.health, count, head.state, now=now)


async def _at_once(panel: Panel[T]) -> Panel[T]:
    return panel


def _marked(marks: Marks, topic: str, *more: object) -> tuple[object, ...] | None:
    """What a panel depends on; `None` where that is not known."""
    return None if marks is None else (marks[topic], *more)
