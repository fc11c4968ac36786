"""Runs whose process died with its worker: found, ended, started again once, told. Prefect itself never notices them.

A run is lost when three of its heartbeats have failed to come and its process is not on this machine. Heartbeats are
Prefect's own events, from a thread of the run's process. That they could have been heard is proved by an event of ours,
sent at one look and read back at the next; time in which it was not counts for nothing.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from tradeops.adapters.prefect_api.client import Event, PrefectApiClient
from tradeops.adapters.prefect_api.unfinished import WITHIN, DeployedJob, UnfinishedRun
from tradeops.adapters.probes.processes import lives_here
from tradeops.adapters.store import Store
from tradeops.domain.incidents.model import Observation
from tradeops.domain.incidents.wording import lasted
from tradeops.domain.lost_runs import ORDERED, OURS, Hearing, Sighting, is_second, listened, silent, starting
from tradeops.domain.notices import Level
from tradeops.errors import RejectedError, TradeOpsError
from tradeops.jobs.monitoring import lost_run_cases as cases
from tradeops.jobs.monitoring.lost_run_cases import Case
from tradeops.jobs.monitoring.lost_run_steps import advanced, observations, told

SILENT = "run:silent"
LISTENING, RESOURCE = "tradeops.watchdog.listening", "tradeops.watchdog"
LOOK_BACK = timedelta(minutes=30)  # for runs that others have marked as crashed; by the server's clock
BOUND = timedelta(seconds=15)  # of each of the three things that a look does
AWAY = timedelta(seconds=45)  # since the last look: the server was away, or this process stood still
SEND_AGAIN = timedelta(minutes=2)

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(slots=True)
class LostRuns:
    """A listener; it loses nothing but patience when it is started anew.

    Attributes:
        store: where cases are kept.
        api: Prefect's.
        least: how long any run may be quiet.
        starts_again: `False` ends lost runs and leaves the rest to people.
        pause: between two looks.
        clock: our own, in seconds; no other one counts.
        hearings: what is remembered of each unfinished run.
    """

    store: Store
    api: PrefectApiClient
    least: timedelta
    starts_again: bool = True
    pause: timedelta = timedelta(seconds=15)
    clock: Callable[[], float] = time.monotonic
    hearings: dict[str, Hearing] = field(default_factory=dict)
    _looked: float | None = None
    _missed: bool = False
    _said: list[Case] = field(default_factory=list)
    _sent: UUID | None = None
    _sent_at: float = 0.0
    _pool_types: dict[str, str] = field(default_factory=dict)

    async def look(self, *, now: datetime, watched_since: datetime | None = None) -> list[Observation]:
        """Find what is lost, do what is due, and say so; `told` closes what was counted.

        What Prefect or the store does not answer is left to the next look. Never raises.

        Args:
            now: aware.
            watched_since: what crashed before is left alone: somebody may have ended it all on purpose. `None` is long.
        """
        heard = await _carefully(self._silent(now))
        self._missed, self._said = heard is None, []
        if heard is None:
            return []
        await _carefully(self._crashed(now, max(now - LOOK_BACK, watched_since or now - LOOK_BACK)))
        return [*heard, *await self._deal(now)]

    async def told(self, *, now: datetime) -> None:
        """What the last look said was counted. Never raises: what stays open is said again, under the same key."""
        await _carefully(told(self.store, self._said, now=now))

    async def _silent(self, now: datetime) -> list[Observation]:
        runs = await self.api.unfinished.at_work(OURS)
        passed = await self._passed(now, anything=bool(runs))
        if not runs:
            self.hearings = {}
            return [Observation(SILENT, None, "", now)]
        deployed = await self.api.unfinished.deployed({run.deployment_id for run in runs})
        beats = await self.api.unfinished.beats([run.run_id for run in runs])
        await self._learn({deployed[run.deployment_id].pool for run in runs if run.deployment_id in deployed})
        seen = [
            self._sighting(run, deployed[run.deployment_id], beats) for run in runs if run.deployment_id in deployed
        ]
        self.hearings = listened(self.hearings, seen, passed=passed)
        by_id, living = {run.run_id: run for run in runs}, []
        for run_id, quiet in silent(self.hearings, seen, least=self.least).items():
            run = by_id[run_id]
            if await lives_here(run.pid, run_id):
                living.append(
                    f"{run.name} of {deployed[run.deployment_id].name} for {lasted(quiet)} (process {run.pid})"
                )
            else:
                why = f"no sign of life for {quiet.total_seconds():.0f} s, and its process is not here"
                await self._open(run, deployed[run.deployment_id].name, why, now)
        if not living:
            return [Observation(SILENT, None, "", now)]
        problem = f"quiet, though the process is there: {', '.join(living)}; let it go on, or end it"
        return [Observation(SILENT, Level.WARNING, problem, now)]

    async def _learn(self, pools: set[str]) -> None:
        """What the pools are, asked once of each: a pool keeps its type."""
        for pool in pools - self._pool_types.keys() - {""}:
            with suppress(RejectedError):  # it was deleted
                self._pool_types[pool] = await self.api.unfinished.pool_type(pool)

    def _sighting(self, run: UnfinishedRun, deployed: DeployedJob, beats: dict[str, frozenset[str]]) -> Sighting:
        begins = starting(self._pool_types.get(deployed.pool, ""))
        return Sighting(run.run_id, run.state_type, run.state_id, beats[run.run_id], deployed.beat_of(run), begins)

    async def _crashed(self, now: datetime, since: datetime) -> None:
        """What a worker or a run itself could still mark as crashed is no less lost: an order that nobody repeats."""
        runs = await self.api.unfinished.crashed(ORDERED, since=since)
        docket = await cases.read(self.store)
        unknown = [run for run in runs if not docket.knows(run.run_id)]
        if unknown:
            deployed = await self.api.unfinished.deployed({run.deployment_id for run in unknown})
            for run in unknown:
                if run.deployment_id in deployed:
                    await self._open(run, deployed[run.deployment_id].name, run.message, now)

    async def _open(self, run: UnfinishedRun, job: str, why: str, now: datetime) -> None:
        case = Case(
            run_id=run.run_id,
            run=run.name,
            job=job,
            deployment_id=run.deployment_id,
            state_id=run.state_id,
            at=now.isoformat(),
            why=why,
            second=is_second(run.idempotency_key),
            cancelling=run.state_type == "CANCELLING",
        )
        await cases.opened(self.store, case)

    async def _deal(self, now: datetime) -> list[Observation]:
        docket, said = await _carefully(cases.read(self.store)), []
        for case in docket.cases.values() if docket else ():
            after = await _carefully(advanced(self.store, self.api, case, starts_again=self.starts_again, now=now))
            if after is None:
                break
            said += observations(after, now)
            self._said.append(after)
        return said

    async def _passed(self, now: datetime, *, anything: bool) -> timedelta | None:
        """Since the last look, as far as heartbeats could be heard; `None` when we or the server were away."""
        last, self._looked = self._looked, self.clock()
        if not anything:
            self._sent = None
            return None
        proved = self._sent is not None and await self.api.unfinished.has_event(self._sent)
        if proved or self._sent is None or self._looked - self._sent_at > SEND_AGAIN.total_seconds():
            sent = uuid4()
            await self.api.emit_event(Event(sent, LISTENING, RESOURCE, "watchdog", now, {}), within=WITHIN)
            self._sent, self._sent_at = sent, self._looked
        if last is None or self._looked - last > max(3 * self.pause, AWAY).total_seconds():
            return None
        return timedelta(seconds=self._looked - last) if proved and not self._missed else timedelta(0)


async def _carefully(work: Coroutine[Any, Any, T]) -> T | None:
    """What it returns; `None` when it did not come to its end, which is logged."""
    try:
        async with asyncio.timeout(BOUND.total_seconds()):
            return await work
    except (TradeOpsError, TimeoutError) as error:
        log.info("runs were not looked after: %s", str(error) or "Prefect or the store did not answer in time")
    except Exception:
        log.exception("runs were not looked after: our own code broke")
    return None
