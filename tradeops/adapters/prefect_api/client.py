"""Prefect's API: is it well, what is late, who works, and runs of deployments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import UUID

from tradeops.adapters.prefect_api import wire
from tradeops.adapters.prefect_api.unfinished import UnfinishedRuns
from tradeops.adapters.wire import WireModel, as_list, parse
from tradeops.domain.readings import Reading
from tradeops.errors import ContractError, RejectedError
from tradeops.http import Answer, HttpService

FINAL = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
PAGE = 200
NOT_FOUND = 404

M = TypeVar("M", bound=WireModel)


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a flow.

    Attributes:
        state_type: `SCHEDULED`, `RUNNING`, `COMPLETED`, `FAILED`, `CRASHED` …; empty before the first state.
        state_name: what people see: `Late`, `Degraded`, `Critical` …
        message: of the state.
        duration: of its running so far.
    """

    run_id: str
    name: str
    state_type: str
    state_name: str
    message: str
    expected_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    duration: timedelta

    @property
    def is_final(self) -> bool:
        """Whether no other state follows."""
        return self.state_type in FINAL


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker of a pool and when it was last heard of."""

    name: str
    online: bool
    last_heartbeat_at: datetime | None


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment, named as `prefect deployment run` takes it, `flow/deployment`."""

    deployment_id: str
    full_name: str


@dataclass(frozen=True, slots=True)
class Automation:
    """What an automation is known by."""

    automation_id: str
    name: str
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that automations may act on.

    Attributes:
        event_id: unique for ever.
        name: what happened, `tradeops.strategy.disabled`.
        resource_id: what it happened to, `tradeops.strategy.portfolio`.
        resource_name: the same for people.
        payload: JSON, for the templates of automations.
    """

    event_id: UUID
    name: str
    resource_id: str
    resource_name: str
    occurred_at: datetime
    payload: Mapping[str, Any]


class PrefectApiClient:
    """A Prefect server or Prefect Cloud workspace.

    Every call raises UnavailableError, TransientError, MisconfiguredError (401, 403), RejectedError (a 4xx) and
    ContractError (the answer is not what Prefect 3 answers; the field is named).

    Args:
        service: its address (with its `/api`), credentials and bounds.
    """

    def __init__(self, service: HttpService) -> None:
        self._service = service

    @property
    def base_url(self) -> str:
        """Its address, without credentials."""
        return self._service.base_url

    @property
    def unfinished(self) -> UnfinishedRuns:
        """The same server's runs that have not ended."""
        return UnfinishedRuns(self._service)

    async def health(self, *, within: timedelta | None = None) -> Reading[bool]:
        """Whether the server says that it is well."""
        answer, body = await self._call("GET", "/health", within=within)
        if body is not True:
            raise RejectedError(answer.system, f"{answer.address} says {answer.excerpt()}, not true")
        return answer.reading(value=True)

    async def version(self) -> str:
        """Prefect's version, `3.8.8`."""
        answer, body = await self._call("GET", "/admin/version")
        if not isinstance(body, str):
            raise ContractError(answer.system, f"{answer.address} answered with a wrong shape: no version text")
        return body

    async def late_runs(self, *, expected_before: datetime, within: timedelta | None = None) -> tuple[Run, ...]:
        """Runs in state `Late` that should have started before the given time, the oldest first; at most `PAGE`."""
        where = {
            "state": {"name": {"any_": ["Late"]}},
            "expected_start_time": {"before_": expected_before.isoformat()},
        }
        query = {"flow_runs": where, "sort": "EXPECTED_START_TIME_ASC", "limit": PAGE}
        return tuple(_run(r) for r in await self._list(wire.FlowRun, "/flow_runs/filter", query, within=within))

    async def next_runs(self, deployment_ids: Sequence[str], *, limit: int = 20) -> tuple[Run, ...]:
        """Scheduled runs of the given deployments, the soonest first."""
        query = {
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
            "deployments": {"id": {"any_": list(deployment_ids)}},
            "sort": "EXPECTED_START_TIME_ASC",
            "limit": limit,
        }
        return tuple(_run(r) for r in await self._list(wire.FlowRun, "/flow_runs/filter", query))

    async def has_pool(self, pool: str) -> bool:
        """Whether there is a work pool of that name."""
        answer = await self._service.request("GET", f"/work_pools/{quote(pool, safe='')}")
        if answer.status == NOT_FOUND:
            return False
        answer.raise_for_status()
        return True

    async def workers(self, pool: str, *, within: timedelta | None = None) -> tuple[Worker, ...]:
        """The workers of a pool, those that are gone included.

        Raises:
            RejectedError: there is no such pool.
        """
        path = f"/work_pools/{quote(pool, safe='')}/workers/filter"
        found = await self._list(wire.Worker, path, {"limit": PAGE}, within=within)
        return tuple(Worker(w.name, w.status == "ONLINE", w.last_heartbeat_time) for w in found)

    async def deployments(self, pool: str) -> tuple[Deployment, ...]:
        """The deployments that run in a pool."""
        query = {"work_pools": {"name": {"any_": [pool]}}, "limit": PAGE}
        found = await self._list(wire.Deployment, "/deployments/filter", query)
        flows = await self._list(
            wire.Flow, "/flows/filter", {"flows": {"id": {"any_": [d.flow_id for d in found]}}, "limit": PAGE}
        )
        names = {flow.id: flow.name for flow in flows}
        return tuple(Deployment(d.id, f"{names[d.flow_id]}/{d.name}") for d in found if d.flow_id in names)

    async def start(
        self, deployment_id: str, *, parameters: Mapping[str, object] | None = None, idempotency_key: str | None = None
    ) -> Run:
        """Schedule a run of a deployment for now; the same key returns the run that is there already."""
        body = {"parameters": dict(parameters or {}), "state": {"type": "SCHEDULED"}}
        if idempotency_key is not None:
            body["idempotency_key"] = idempotency_key
        answer, created = await self._call("POST", f"/deployments/{deployment_id}/create_flow_run", body)
        return _run(parse(wire.FlowRun, created, system=answer.system, source=answer.address))

    async def run(self, run_id: str) -> Run:
        """A run as it stands.

        Raises:
            RejectedError: there is no such run.
        """
        answer, body = await self._call("GET", f"/flow_runs/{run_id}")
        return _run(parse(wire.FlowRun, body, system=answer.system, source=answer.address))

    async def last_run(self, deployment_id: str) -> Run | None:
        """The run of a deployment that was asked for last, whoever started it; `None` when there never was one."""
        query = {
            "deployments": {"id": {"any_": [deployment_id]}},
            "sort": "EXPECTED_START_TIME_DESC",
            "limit": 1,
        }
        found = await self._list(wire.FlowRun, "/flow_runs/filter", query)
        return _run(found[0]) if found else None

    async def artifact_id(self, key: str) -> str | None:
        """The latest artifact under a key, or `None`."""
        query = {"artifacts": {"key": {"any_": [key]}}, "limit": 1}
        found = await self._list(wire.LatestArtifact, "/artifacts/latest/filter", query)
        return found[0].latest_id if found else None

    async def emit_event(self, event: Event, *, within: timedelta | None = None) -> None:
        """Hand an event over, for automations to act on; the same event twice is one, by its id.

        Raises:
            RejectedError: Prefect does not take it.
        """
        resource = {"prefect.resource.id": event.resource_id, "prefect.resource.name": event.resource_name}
        body = {
            "id": str(event.event_id),
            "occurred": event.occurred_at.isoformat(),
            "event": event.name,
            "resource": resource,
            "payload": dict(event.payload),
        }
        answer = await self._service.request("POST", "/events", body=[body], within=within)
        answer.raise_for_status()

    async def automations(self) -> tuple[Automation, ...]:
        """The automations of the server, at most `PAGE`."""
        found = await self._list(wire.Automation, "/automations/filter", {"limit": PAGE})
        return tuple(Automation(a.id, a.name, frozenset(a.tags)) for a in found)

    async def put_automation(self, definition: Mapping[str, Any], *, replaces: str | None = None) -> None:
        """Create an automation, or put the definition in the place of the one with the id `replaces`.

        Raises:
            RejectedError: Prefect does not take the definition.
        """
        method, path = ("POST", "/automations/") if replaces is None else ("PUT", f"/automations/{replaces}")
        answer = await self._service.request(method, path, body=dict(definition))
        answer.raise_for_status()

    async def delete_automation(self, automation_id: str) -> None:
        """Remove an automation; one that is gone already is no error."""
        answer = await self._service.request("DELETE", f"/automations/{automation_id}")
        if answer.status != NOT_FOUND:
            answer.raise_for_status()

    async def _list(
        self, model: type[M], path: str, query: Mapping[str, Any], *, within: timedelta | None = None
    ) -> list[M]:
        answer, body = await self._call("POST", path, query, within=within)
        rows = as_list(body, system=answer.system, source=answer.address)
        return [parse(model, row, system=answer.system, source=answer.address) for row in rows]

    async def _call(
        self, method: str, path: str, body: object = None, *, within: timedelta | None = None
    ) -> tuple[Answer, Any]:
        answer = await self._service.request(method, path, body=body, within=within)
        answer.raise_for_status()
        return answer, answer.json()


def _run(found: wire.FlowRun) -> Run:
    state = found.state
    return Run(
        run_id=found.id,
        name=found.name,
        state_type=state.type if state else "",
        state_name=state.name if state else "",
        message=(state.message or "") if state else "",
        expected_at=found.expected_start_time,
        started_at=found.start_time,
        ended_at=found.end_time,
        duration=timedelta(seconds=found.estimated_run_time),
    )
