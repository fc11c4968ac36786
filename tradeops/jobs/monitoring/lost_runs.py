"""Runs whose process died with its worker: found, ended, started again once, told. Prefect itself never notices them.

A run is lost when three of its heartbeats have failed to come and its process is not on this machine. Heartbeats are
Prefect's own events, from a thread of the run's process. That they could have been heard is proved by an event of ours,
sent at one look and read back at the next; time in which it was not counts for nothing.
"""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from tradeops.adapters.prefect_api.client import Event, PrefectApiClient
from tradeops.adapters.prefect_api.unfinished import DeployedJob, UnfinishedRun
from tradeops.adapters.probes.processes import lives_here
from tradeops.adapters.store import Store
from tradeops.domain.incidents.model import Observation
from tradeops.domain.incidents.wording import lasted
from tradeops.domain.lost_runs import ORDERED, OURS, Hearing, Sighting, is_second, listened, silent
from tradeops.domain.notices import Level
from tradeops.errors import TradeOpsError
from tradeops.jobs.monitoring import lost_run_cases as cases
from tradeops.jobs.monitoring.lost_run_cases import Case
from tradeops.jobs.monitoring.lost_run_steps import advanced, observations

SILENT = "run:silent"
LISTENING, RESOURCE = "tradeops.watchdog.listening", "tradeops.watchdog"
LOOK_BACK = timedelta(minutes=30)  # for runs that others have marked as crashed; by the server's clock
WHOLE_LOOK = timedelta(seconds=25)
AWAY = timedelta(seconds=60)  # between two looks: then this process itself stood still
SEND_AGAIN = timedelta(minutes=2)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class LostRuns:
    """A listener; it loses nothing but patience when it is started anew.

    Attributes:
        store: where cases are kept.
        api: Prefect's.
        least: how long any run may be quiet.
        starts_again: `False` ends lost runs and leaves the rest to people.
        hearings: what is remembered of each unfinished run.
    """

    store: Store
    api: PrefectApiClient
    least: timedelta
    starts_again: bool = True
    hearings: dict[str, Hearing] = field(default_factory=dict)
    _looked: float | None = None
    _sent: UUID | None = None
    _sent_at: float = 0.0

    async def look(self, *, now: datetime) -> list[Observation]:
        """Find what is lost, do what is due, and say so; `told` closes what was counted.

        A Prefect or a store that does not answer costs this look, and all that was heard so far. Never raises.
        """
        try:
            async with asyncio.timeout(WHOLE_LOOK.total_seconds()):
                found = [*await self._silent(now), *await self._crashed(now)]
                return [*found, *await self._deal(now)]
        except (TradeOpsError, TimeoutError) as error:
            self._looked = None
            log.info("no run was listened for: %s", str(error) or "Prefect did not answer in time")
        except Exception:
            self._looked = None
            log.exception("no run was listened for: our own code broke")
        return []

    async def told(self, *, now: datetime) -> None:
        """What the last look said was counted. Never raises: what stays open is said again, under the same key."""
        try:
            docket = await cases.read(self.store)
            over = [case.run_id for case in docket.cases.values() if case.step in {cases.Step.DONE, cases.Step.OVER}]
            await cases.close(self.store, *over, now=now)
        except TradeOpsError as error:
            log.warning("lost runs stay open: %s", error)

    async def _silent(self, now: datetime) -> list[Observation]:
        runs = await self.api.unfinished.at_work(OURS)
        passed = await self._passed(now, anything=bool(runs))
        if not runs:
            self.hearings = {}
            return [Observation(SILENT, None, "", now)]
        deployed = await self.api.unfinished.deployed({run.deployment_id for run in runs})
        beats = await self.api.unfinished.beats([run.run_id for run in runs])
        seen = [_sighting(run, deployed[run.deployment_id], beats) for run in runs if run.deployment_id in deployed]
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

    async def _crashed(self, now: datetime) -> list[Observation]:
        """What a worker or a run itself could still mark as crashed is no less lost: an order that nobody repeats."""
        runs = await self.api.unfinished.crashed(ORDERED, since=now - LOOK_BACK)
        docket = await cases.read(self.store)
        unknown = [run for run in runs if not docket.knows(run.run_id)]
        if unknown:
            deployed = await self.api.unfinished.deployed({run.deployment_id for run in unknown})
            for run in unknown:
                if run.deployment_id in deployed:
                    await self._open(run, deployed[run.deployment_id].name, run.message, now)
        return []

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
        said: list[Observation] = []
        for case in (await cases.read(self.store)).cases.values():
            after = await advanced(self.store, self.api, case, starts_again=self.starts_again, now=now)
            said += observations(after, now)
        return said

    async def _passed(self, now: datetime, *, anything: bool) -> timedelta | None:
        """Since the last look, as far as heartbeats could be heard; `None` when we or the server were away."""
        last, self._looked = self._looked, time.monotonic()
        if not anything:
            self._sent = None
            return None
        proved = self._sent is not None and await self.api.unfinished.has_event(self._sent)
        if proved or self._sent is None or self._looked - self._sent_at > SEND_AGAIN.total_seconds():
            sent = uuid4()
            await self.api.emit_event(Event(sent, LISTENING, RESOURCE, "watchdog", now, {}))
            self._sent, self._sent_at = sent, self._looked
        if last is None or self._looked - last > AWAY.total_seconds():
            return None
        return timedelta(seconds=self._looked - last) if proved else timedelta(0)


def _sighting(run: UnfinishedRun, deployed: DeployedJob, beats: dict[str, frozenset[str]]) -> Sighting:
    return Sighting(run.run_id, run.state_type, run.state_id, beats[run.run_id], deployed.beat_of(run))
