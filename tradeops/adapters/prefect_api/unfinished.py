"""Runs that have not ended: who holds a slot, when their process was last heard of, and how to end what has none."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import UUID

from tradeops.adapters.prefect_api import wire
from tradeops.adapters.wire import WireModel, as_list, parse
from tradeops.http import HttpService

AT_WORK = ("PENDING", "RUNNING", "CANCELLING")  # each holds a slot of its deployment's limit
PAGE = 200
EVENTS_PAGE = 50  # Prefect's most
AT_ONCE = 40  # fewer than a page, so that each has room for its newest heartbeat
HEARTBEAT = "prefect.flow-run.heartbeat"
USUAL_BEAT = timedelta(seconds=180)
BEAT_NAME = "PREFECT_FLOWS_HEARTBEAT_FREQUENCY"
WITHIN = timedelta(seconds=5)
ANY_CLOCK = {"since": "2020-01-01T00:00:00Z", "until": "9999-01-01T00:00:00Z"}  # whatever the clock of the sender says

M = TypeVar("M", bound=WireModel)


@dataclass(frozen=True, slots=True)
class UnfinishedRun:
    """A run, and what it takes to do its work again.

    Attributes:
        state_type: `PENDING`, `RUNNING`, `CANCELLING`; another one when it has ended since.
        state_id: another one after each change.
        message: of the state.
        idempotency_key: it was asked for by; `None` where it had none.
        pid: of its process on the machine of its worker; `None` where that is not known or is no process.
    """

    run_id: str
    name: str
    deployment_id: str
    state_type: str
    state_id: str
    message: str
    started_at: datetime | None
    idempotency_key: str | None
    pid: int | None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeployedJob:
    """A deployment as far as its runs depend on it.

    Attributes:
        beat: the pause between heartbeats of runs that began after `updated_at`.
        limit: of runs at once; `None` is none.
        taken: slots of the limit that are taken.
        cancels_new: a run that finds no slot is cancelled; otherwise it waits.
        pool: in which its runs are started; empty where it has none.
    """

    deployment_id: str
    name: str
    beat: timedelta
    updated_at: datetime | None
    limit: int | None
    taken: int
    cancels_new: bool
    pool: str = ""

    def beat_of(self, run: UnfinishedRun) -> timedelta:
        """The pause between heartbeats of a run; of one that began before the deployment changed Prefect's default."""
        changed = run.started_at is not None and self.updated_at is not None and run.started_at < self.updated_at
        return max(self.beat, USUAL_BEAT) if changed else self.beat


class UnfinishedRuns:
    """The part of Prefect's API that looks after runs whose process may be gone.

    Raises what PrefectApiClient raises.
    """

    def __init__(self, service: HttpService) -> None:
        self._service = service

    async def at_work(self, jobs: Collection[str]) -> tuple[UnfinishedRun, ...]:
        """The unfinished runs of the deployments of those names, at most `PAGE`."""
        states = {"state": {"type": {"any_": list(AT_WORK)}}}
        return await self._runs(states, jobs)

    async def crashed(self, jobs: Collection[str], *, since: datetime) -> tuple[UnfinishedRun, ...]:
        """The runs that ended `CRASHED` since then, as whoever ended them had it, at most `PAGE`."""
        return await self._runs({"state": {"type": {"any_": ["CRASHED"]}}, "end_time": _after(since)}, jobs)

    async def worked_since(self, job: str, moment: datetime) -> bool:
        """Whether a run of the deployment has ended since then that did its work."""
        return bool(await self._runs({"state": {"type": {"any_": ["COMPLETED"]}}, "end_time": _after(moment)}, [job]))

    async def run(self, run_id: str) -> UnfinishedRun:
        """A run as it stands.

        Raises:
            RejectedError: there is no such run.
        """
        answer = await self._service.request("GET", f"/flow_runs/{run_id}", within=WITHIN)
        answer.raise_for_status()
        return _run(parse(wire.FlowRun, answer.json(), system=answer.system, source=answer.address))

    async def deployed(self, deployment_ids: Collection[str]) -> dict[str, DeployedJob]:
        """Those deployments, by id; one that was deleted is missing."""
        query = {"deployments": {"id": {"any_": sorted(deployment_ids)}}, "limit": PAGE}
        found = await self._list(wire.Deployment, "/deployments/filter", query)
        return {one.id: _deployed(one) for one in found}

    async def pool_type(self, pool: str) -> str:
        """What starts the runs of a pool, such as `process`, `docker` or `kubernetes`.

        Raises:
            RejectedError: there is no such pool.
        """
        answer = await self._service.request("GET", f"/work_pools/{quote(pool, safe='')}", within=WITHIN)
        answer.raise_for_status()
        return parse(wire.Pool, answer.json(), system=answer.system, source=answer.address).type

    async def beats(self, run_ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """The ids of the newest heartbeats of each run, so that a new one is known by its id, not by a clock."""
        found: dict[str, frozenset[str]] = dict.fromkeys(run_ids, frozenset())
        for first in range(0, len(run_ids), AT_ONCE):
            resources = [f"prefect.flow-run.{run_id}" for run_id in run_ids[first : first + AT_ONCE]]
            for beat in await self._events({"event": {"name": [HEARTBEAT]}, "resource": {"id": resources}}):
                run_id = beat.resource.get("prefect.resource.id", "").removeprefix("prefect.flow-run.")
                if run_id in found:
                    found[run_id] |= {beat.id}
        return found

    async def has_event(self, event_id: UUID) -> bool:
        """Whether the event has come all the way to where heartbeats are read."""
        return bool(await self._events({"id": {"id": [str(event_id)]}}))

    async def end(self, run_id: str, *, state: str, name: str, message: str) -> bool:
        """Give a run its last state; `False` when Prefect refuses, since it has ended by itself.

        Not by force: the server compares and sets, so a run that ends in this moment keeps its own end.
        """
        body = {"state": {"type": state, "name": name, "message": message}, "force": False}
        answer = await self._service.request("POST", f"/flow_runs/{run_id}/set_state", body=body, within=WITHIN)
        answer.raise_for_status()
        return parse(wire.Orchestrated, answer.json(), system=answer.system, source=answer.address).status == "ACCEPT"

    async def _runs(self, where: Mapping[str, Any], jobs: Collection[str]) -> tuple[UnfinishedRun, ...]:
        query = {"flow_runs": where, "deployments": {"name": {"any_": sorted(jobs)}}, "limit": PAGE}
        return tuple(_run(one) for one in await self._list(wire.FlowRun, "/flow_runs/filter", query))

    async def _events(self, where: Mapping[str, Any]) -> list[wire.Event]:
        query = {"filter": {"occurred": ANY_CLOCK, **where}, "limit": EVENTS_PAGE}
        answer = await self._service.request("POST", "/events/filter", body=query, within=WITHIN)
        answer.raise_for_status()
        return parse(wire.Events, answer.json(), system=answer.system, source=answer.address).events

    async def _list(self, model: type[M], path: str, query: Mapping[str, Any]) -> list[M]:
        answer = await self._service.request("POST", path, body=query, within=WITHIN)
        answer.raise_for_status()
        rows = as_list(answer.json(), system=answer.system, source=answer.address)
        return [parse(model, row, system=answer.system, source=answer.address) for row in rows]


def _after(moment: datetime) -> dict[str, str]:
    return {"after_": moment.isoformat()}


def _run(found: wire.FlowRun) -> UnfinishedRun:
    state, pid = found.state, found.infrastructure_pid or ""
    return UnfinishedRun(
        run_id=found.id,
        name=found.name,
        deployment_id=found.deployment_id or "",
        state_type=state.type if state else "",
        state_id=(state.id or "") if state else "",
        message=(state.message or "") if state else "",
        started_at=found.start_time,
        idempotency_key=found.idempotency_key,
        pid=int(pid) if pid.isdecimal() else None,
        parameters=found.parameters,
    )


def _deployed(found: wire.Deployment) -> DeployedJob:
    environment = found.job_variables.get("env")
    told = str(environment.get(BEAT_NAME)) if isinstance(environment, dict) else ""
    beat = timedelta(seconds=int(told)) if told.isdecimal() and int(told) else USUAL_BEAT
    limit, options = found.global_concurrency_limit, found.concurrency_options
    return DeployedJob(
        deployment_id=found.id,
        name=found.name,
        beat=beat,
        updated_at=found.updated,
        limit=limit.limit if limit else None,
        taken=limit.active_slots if limit else 0,
        cancels_new=options is not None and options.collision_strategy == "CANCEL_NEW",
        pool=found.work_pool_name or "",
    )
