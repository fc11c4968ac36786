"""The lost runs that are being dealt with, in one document of the store: written before anything is done about them.

Whatever happens in between, and however many watchdogs there are, the next look goes on from what is written; each step
may be done again without a second effect.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from tradeops.adapters.store import Store
from tradeops.adapters.store.interface import AuditEvent, Body, Json
from tradeops.errors import ContractError
from tradeops.jobs.races import until_first

COLLECTION, DOCUMENT = "lost_runs", "open"
REMEMBERED = timedelta(hours=6)  # which runs were dealt with; longer than anybody looks back for crashed ones
ACTOR = "watchdog"


class Step(StrEnum):
    """How far a case is: what was done last."""

    FOUND = "found"
    ENDED = "ended"
    DONE = "done"  # and to be told
    AWAITED = "awaited"  # told; a run of a job that does not say so itself is to work
    GIVEN_UP = "given_up"  # told until a run of the job works
    OVER = "over"  # and to be told


@dataclass(frozen=True, slots=True)
class Case:
    """One lost run.

    Attributes:
        run_id: of the run.
        run: its name.
        job: its deployment's name.
        deployment_id: by which it is started again.
        state_id: of the state in which it was lost; empty when somebody else has marked it as crashed.
        at: when it was found, ISO 8601.
        why: it counts as lost; one line.
        second: it stood in for a lost one already.
        cancelling: somebody wanted its end.
        step: see there.
        note: what came of it, for people; empty when nobody needs to know.
    """

    run_id: str
    run: str
    job: str
    deployment_id: str
    state_id: str
    at: str
    why: str
    second: bool = False
    cancelling: bool = False
    step: Step = Step.FOUND
    note: str = ""

    @property
    def found_at(self) -> datetime:
        """When it was found."""
        return datetime.fromisoformat(self.at)


@dataclass(frozen=True, slots=True)
class Docket:
    """All that is kept.

    Attributes:
        cases: the open ones, by run.
        closed: runs that were dealt with, and when.
    """

    cases: Mapping[str, Case]
    closed: Mapping[str, datetime]

    def knows(self, run_id: str) -> bool:
        """Whether the run is dealt with, or was."""
        return run_id in self.cases or run_id in self.closed


async def read(store: Store) -> Docket:
    """What is kept; empty before the first case.

    Raises:
        UnavailableError: the store is down.
        ContractError: a newer release has written it.
    """
    return (await _read(store))[0]


async def opened(store: Store, case: Case) -> Case:
    """The case as it is kept from now on; the one that is there already where somebody was faster.

    Raises:
        UnavailableError: the store is down; nothing may be done about the run.
    """
    docket = await _change(store, lambda kept: kept if kept.knows(case.run_id) else _with(kept, case))
    return docket.cases.get(case.run_id, case)


async def stepped(store: Store, case: Case) -> Case:
    """Keep how far the case is.

    Raises:
        UnavailableError: the store is down; the step is done again.
    """
    await _change(store, lambda kept: _with(kept, case) if case.run_id in kept.cases else kept)
    return case


async def close(store: Store, run_id: str, *, now: datetime) -> None:
    """The case is over.

    Raises:
        UnavailableError: the store is down; it stays open.
    """

    def without(kept: Docket) -> Docket:
        cases = {known: case for known, case in kept.cases.items() if known != run_id}
        closed = {known: at for known, at in kept.closed.items() if now - at < REMEMBERED}
        return Docket(cases, closed | {run_id: now})

    await _change(store, without)


async def audit(store: Store, case: Case, kind: str, *, now: datetime, **more: Json) -> None:
    """Keep in the audit trail what is done, once for each run and kind.

    Raises:
        UnavailableError: the store is down.
    """
    body: dict[str, Json] = {"run_id": case.run_id, "run": case.run, "job": case.job, "why": case.why, **more}
    await store.append_event(AuditEvent(f"{kind}:{case.run_id}", kind, now, ACTOR, body))


async def _change(store: Store, change: Callable[[Docket], Docket]) -> Docket:
    async def attempt() -> Docket:
        kept, version = await _read(store)
        changed = change(kept)
        if changed is not kept:
            await store.put(COLLECTION, DOCUMENT, _body(changed), expected_version=version)
        return changed

    return await until_first(attempt, system="watchdog", what="what is kept of lost runs")


async def _read(store: Store) -> tuple[Docket, int | None]:
    found = await store.get(COLLECTION, DOCUMENT)
    if found is None:
        return Docket({}, {}), None
    try:
        return _docket(found.body), found.version
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        problem = f"the document {COLLECTION}/{DOCUMENT} cannot be read: {type(error).__name__}"
        raise ContractError("store", problem, remedy="run the release that wrote it") from error


def _with(kept: Docket, case: Case) -> Docket:
    return Docket({**kept.cases, case.run_id: case}, kept.closed)


def _body(docket: Docket) -> Body:
    cases: dict[str, Json] = {
        run_id: {**asdict(case), "step": case.step.value} for run_id, case in docket.cases.items()
    }
    return {"cases": cases, "closed": {run_id: at.isoformat() for run_id, at in docket.closed.items()}}


def _docket(body: Body) -> Docket:
    cases, closed = body["cases"], body["closed"]
    if not isinstance(cases, Mapping) or not isinstance(closed, Mapping):
        raise TypeError("no mapping")
    return Docket(
        {run_id: _case(fields) for run_id, fields in cases.items()},
        {run_id: datetime.fromisoformat(str(at)) for run_id, at in closed.items()},
    )


def _case(fields: Json) -> Case:
    if not isinstance(fields, Mapping):
        raise TypeError("no mapping")
    given: dict[str, Any] = {**fields, "step": Step(str(fields["step"]))}
    return Case(**given)
