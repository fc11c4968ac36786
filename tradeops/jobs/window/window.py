"""All that the dashboard shows, from one place: bounded, cached for a moment, and never written back."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, tzinfo

from tradeops.adapters.store import ReadableStore
from tradeops.domain.window.overview import Overview, StatusView
from tradeops.domain.window.pages import (
    AuditPage,
    BacktestList,
    BacktestPage,
    DecisionList,
    DecisionPage,
    IncidentList,
    IncidentPage,
    OptimisationList,
    OptimisationPage,
    ReportList,
    ReportPage,
)
from tradeops.domain.window.values import Range
from tradeops.errors import ContractError, TradeOpsError, UnavailableError
from tradeops.jobs.window import audit, decisions, incidents, laboratory, marks, performance, reports
from tradeops.jobs.window.fresh import Fresh
from tradeops.jobs.window.histories import Histories
from tradeops.jobs.window.live import Live
from tradeops.jobs.window.screen import Screen
from tradeops.jobs.window.sources import Sources
from tradeops.settings import Settings

KEEP_SECONDS = 1.5
FOLLOW_SECONDS = 2.0

log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class Window:
    """The dashboard's eyes. Texts of times are in the `zone` that is asked for, else in that of the settings.

    Args:
        sources: what is read.
        clock: aware.
    """

    def __init__(self, sources: Sources, *, clock: Callable[[], datetime] = _now) -> None:
        self.sources = sources
        self._clock = clock
        self._histories = Histories(sources.store)
        self._live = Live(sources.engine)
        self._screen = Screen(sources, self._histories, self._live)
        self._followed: Fresh[str, None] = Fresh(self._follow, seconds=KEEP_SECONDS)
        self._overviews: Fresh[tuple[Range, object], Overview] = Fresh(self._overview, seconds=KEEP_SECONDS)
        self._statuses: Fresh[str, StatusView] = Fresh(self._status, seconds=KEEP_SECONDS)
        self._marks: Fresh[str, dict[str, str]] = Fresh(self._read_marks, seconds=KEEP_SECONDS)

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["Window"]:
        """Read history in the background until the end of the block; a store that is down stops nothing."""
        async with self._histories.reading():
            try:
                yield self
            finally:
                await self._live.close()

    async def overview(self, range_: Range) -> Overview:
        """The one screen, at most a moment old; what cannot be read says so in its panel."""
        found = await self._marks_or_none()  # who is told of something new must not be shown what was kept before
        return await self._overviews.get((range_, None if found is None else tuple(found.items())))

    async def status(self) -> StatusView:
        """States alone.

        Raises:
            UnavailableError: the store is down.
        """
        return await self._statuses.get("")

    async def marks(self) -> dict[str, str]:
        """For each topic a text that changes when there is something new to see.

        Raises:
            UnavailableError: the store is down.
        """
        return await self._marks.get("")

    async def incidents(self, range_: Range) -> IncidentList:
        """See `incidents.listed`."""
        return await incidents.listed(self.sources.store, range_, now=self._clock())

    async def incident(self, incident_id: str) -> IncidentPage:
        """See `incidents.page`."""
        return await incidents.page(self.sources.store, incident_id, now=self._clock())

    async def decisions(self, before: datetime | None = None) -> DecisionList:
        """See `decisions.listed`."""
        await self._trouble()  # outcomes of what was kept before are better than none
        rates = performance.win_rates(self._histories.performance)
        return await decisions.listed(*self._kept, rates, before=before, now=self._clock())

    async def decision(self, decision_id: str, zone: tzinfo | None = None) -> DecisionPage:
        """See `decisions.page`."""
        await self._trouble()  # outcomes of what was kept before are better than none
        rates = performance.win_rates(self._histories.performance)
        return await decisions.page(*self._kept, rates, decision_id, zone=zone or self._zone, now=self._clock())

    async def reports(self, kind: str | None = None, before: datetime | None = None) -> ReportList:
        """See `reports.listed`."""
        return await reports.listed(*self._kept, kind, before=before, now=self._clock())

    async def report(self, kind: str, key: str, zone: tzinfo | None = None) -> ReportPage:
        """See `reports.page`."""
        return await reports.page(*self._kept, kind, key, zone=zone or self._zone, now=self._clock())

    async def backtests(self) -> BacktestList:
        """See `laboratory`."""
        return await laboratory.backtests(self.sources.store)

    async def backtest(self, backtest_id: str, zone: tzinfo | None = None) -> BacktestPage:
        """See `laboratory`."""
        return await laboratory.backtest(self.sources.store, backtest_id, zone=zone or self._zone)

    async def optimisations(self) -> OptimisationList:
        """See `laboratory`."""
        return await laboratory.optimisations(self.sources.store)

    async def optimisation(self, optimisation_id: str, zone: tzinfo | None = None) -> OptimisationPage:
        """See `laboratory`."""
        return await laboratory.optimisation(self.sources.store, optimisation_id, zone=zone or self._zone)

    async def audit(self, kind: str | None = None, before: datetime | None = None) -> AuditPage:
        """See `audit.page`."""
        return await audit.page(self.sources.store, kind, before=before, now=self._clock())

    @property
    def _kept(self) -> tuple[ReadableStore, Settings]:
        return self.sources.store, self.sources.settings

    @property
    def _zone(self) -> tzinfo:
        return self.sources.settings.zone

    async def _follow(self, _: str) -> None:
        """Bring the history up to date."""
        try:
            async with asyncio.timeout(FOLLOW_SECONDS):
                await self._histories.follow()
        except TimeoutError:
            problem = f"no answer within {FOLLOW_SECONDS:g} s"
            raise UnavailableError("store", problem, remedy="look at its server and disk") from None
        except TradeOpsError:
            raise
        except Exception:
            log.exception("history broke")
            raise ContractError("store", "our own code broke on what is kept", remedy="see the log") from None

    async def _trouble(self) -> TradeOpsError | None:
        """Why the history is not up to date; asked anew by whoever comes next."""
        try:
            await self._followed.get("")
        except TradeOpsError as error:
            return error
        return None

    async def _overview(self, key: tuple[Range, object]) -> Overview:
        trouble, found = await asyncio.gather(self._trouble(), self._marks_or_none())
        return await self._screen.overview(key[0], found, now=self._clock(), trouble=str(trouble or ""))

    async def _status(self, _: str) -> StatusView:
        trouble = await self._trouble()
        return await self._screen.status(now=self._clock(), trouble=trouble)

    async def _marks_or_none(self) -> dict[str, str] | None:
        try:
            return await self.marks()
        except TradeOpsError:
            return None

    async def _read_marks(self, _: str) -> dict[str, str]:
        found, _followed = await asyncio.gather(marks.read(self.sources.store), self._followed.get(""))
        return found | marks.of(self._histories)
