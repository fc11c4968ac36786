"""What the guard has done beside its polls: equity kept, people told, events emitted. None of it delays a poll.

Each outside system has a queue of its own, so that a dead one holds up nothing but itself. The store is opened when it
is first needed, and again when it could not be: a guard that begins without it guards all the same.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from tradeops.adapters.prefect_api.client import Event, PrefectApiClient
from tradeops.adapters.store import Store
from tradeops.domain.incidents.model import Observation
from tradeops.domain.notices import Level
from tradeops.errors import MisconfiguredError, TransientError, UnavailableError
from tradeops.jobs.alerts import alerting
from tradeops.jobs.alerts.past_outbox import tell_directly
from tradeops.jobs.ending import end
from tradeops.jobs.guard.errands import Errands
from tradeops.settings import Settings
from tradeops.wiring import Guard, open_services, our_store

WITHIN = timedelta(seconds=5)
TELLING = timedelta(seconds=30)  # alerting has bounds of its own within

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Aside:
    """Queues, and the store that they share.

    Attributes:
        prefect_api: `None` is "not configured": no events are emitted.
        of_store: keeps and replays.
        of_people: tells, by way of the incidents.
        of_channels: tells past a store that is down.
        of_prefect: emits.
    """

    settings: Settings
    prefect_api: PrefectApiClient | None
    of_store: Errands = field(default_factory=lambda: Errands("the store"))
    of_people: Errands = field(default_factory=lambda: Errands("alerting", bound=TELLING))
    of_channels: Errands = field(default_factory=lambda: Errands("a channel", bound=TELLING))
    of_prefect: Errands = field(default_factory=lambda: Errands("prefect"))
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _store: Store | None = None
    _directly: dict[str, datetime] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    async def run(self) -> None:
        """Work until cancelled."""
        queues = (self.of_store, self.of_people, self.of_channels, self.of_prefect)
        async with self._stack:
            tasks = [asyncio.create_task(errands.run()) for errands in queues]
            try:
                await asyncio.wait(tasks)
            finally:
                await end(tasks)

    async def store(self) -> Store:
        """The store, opened if it is not yet.

        Raises:
            UnavailableError: it cannot be opened, whatever the reason: that may change.
        """
        async with self._opening:
            if self._store is None:
                try:
                    self._store = await self._stack.enter_async_context(our_store(self.settings))
                except MisconfiguredError as error:
                    raise UnavailableError(error.system, error.problem, remedy=error.remedy) from error
            return self._store

    def keep(self, name: str, write: Callable[[Store], Awaitable[object]]) -> None:
        """Have something written to the store, or read from it, as soon as it answers."""

        async def errand() -> None:
            await write(await self.store())

        self.of_store.add(name, errand)

    def emit(self, event: Event, *, then: Callable[[], None] = lambda: None) -> None:
        """Hand an event over to Prefect as soon as it answers; it is one event however often that takes.

        Args:
            event: which.
            then: done once Prefect has it.
        """
        api = self.prefect_api
        if api is None:
            return

        async def errand() -> None:
            await api.emit_event(event, within=WITHIN)
            then()

        self.of_prefect.add(f"event {event.event_id}", errand)

    def tell(self, observations: Iterable[Observation], *, source: str, run_id: str = "") -> None:
        """Have them counted among the incidents and told; what is critical goes past a store that is down, too.

        So that is told at least once, and once more when the store is mended: past it nobody keeps who was reached, so
        the incident is told to all as any other.

        Args:
            observations: as for `incidents.observe`.
            source: likewise.
            run_id: of others who may tell the same; without one it is the guard's own.
        """
        looks = tuple(observations)
        if not looks:
            return
        for look in looks:
            if look.severity is None:
                self.is_well(look.key)
        run_id = run_id or f"guard-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{next(self._numbers)}"

        def directly(because: str) -> None:
            news = self._not_told_directly(looks)
            self.of_channels.add(run_id, lambda: tell_directly(self.settings, news, run_id=run_id, because=because))

        told = bool(self.of_people.problem)
        if told:
            directly(self.of_people.problem)

        async def errand() -> None:
            nonlocal told
            try:
                ground = Guard(self.settings, await self.store())
                problems = await alerting.tell(ground, looks, source=source, run_id=run_id)
                if problems and problems[0].startswith(alerting.NOT_COUNTED):
                    raise UnavailableError("incidents", problems[0])
            except TransientError as error:
                if not told:
                    directly(error.problem)
                told = True
                raise

        self.of_people.add(run_id, errand)

    def is_well(self, key: str) -> None:
        """Whatever was told of it past the store is over: the next trouble is news."""
        self._directly.pop(key, None)

    def _not_told_directly(self, looks: Collection[Observation]) -> list[Observation]:
        """The critical ones, without those that were told past the store within the pause of reminders."""
        now, pause = datetime.now(UTC), timedelta(hours=self.settings.incident_reminder_hours)
        lasting = {key for key, at in self._directly.items() if at <= now < at + pause}
        news = [look for look in looks if look.severity is Level.CRITICAL and look.key not in lasting]
        self._directly |= {look.key: now for look in news}
        return news


@asynccontextmanager
async def open_aside(settings: Settings) -> AsyncGenerator[Aside]:
    """At work until exit; what waits then is lost with the process, as it would be in any other end."""
    async with open_services(settings) as services:
        aside = Aside(settings, services.prefect_api)
        work = asyncio.create_task(aside.run())
        try:
            yield aside
        finally:
            work.cancel()
            await asyncio.wait({work})
