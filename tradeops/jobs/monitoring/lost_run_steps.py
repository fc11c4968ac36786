"""What is done about a lost run, step by step: ended, what it held is let go, started again once."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from tradeops.adapters.prefect_api.client import PrefectApiClient
from tradeops.adapters.prefect_api.unfinished import AT_WORK, UnfinishedRun
from tradeops.adapters.store import Store
from tradeops.domain.heartbeats import key_of_job
from tradeops.domain.incidents.model import CERTAIN, Observation
from tradeops.domain.incidents.of_runs import RunEnded, observation
from tradeops.domain.lost_runs import LEAVE_NO_SIGN, ORDERED, key_again, key_of_loss
from tradeops.domain.notices import Level
from tradeops.errors import RejectedError
from tradeops.jobs.models import retrain_lock
from tradeops.jobs.monitoring import lost_run_cases as cases
from tradeops.jobs.monitoring.lost_run_cases import Case, Step

MARK = "TradeOps: "  # begins the message of a state that the watchdog gave
RETRAIN = "adaptive-retrain"
SLOT_TAKEN = "its slot stays taken, though no run is at work: start Prefect's server anew, then the job"
SLOT_PATIENCE = timedelta(minutes=6)  # Prefect itself lets go of a slot after five

log = logging.getLogger(__name__)


async def advanced(store: Store, api: PrefectApiClient, case: Case, *, starts_again: bool, now: datetime) -> Case:
    """The case after all that can be done now; each step is kept as it is done.

    Raises:
        TradeOpsError: Prefect or the store does not answer; the next look goes on.
    """
    if case.step is Step.FOUND:
        case = await _ended(store, api, case, now)
    if case.step is Step.ENDED:
        case = await _again(store, api, case, starts_again=starts_again, now=now)
    if case.step in {Step.AWAITED, Step.GIVEN_UP} and await api.unfinished.worked_since(case.job, case.found_at):
        case = await cases.stepped(store, replace(case, step=Step.OVER, note=""))
    return case


def observations(case: Case, now: datetime) -> list[Observation]:
    """What people are told of the case: under the key of its job, as when Prefect tells that a run crashed."""
    if case.step is Step.OVER:
        key = key_of_loss(case.job) if case.second else key_of_job(case.job)
        return [Observation(key, None, "", now, CERTAIN)]
    if case.step is Step.GIVEN_UP:
        return [Observation(key_of_loss(case.job), Level.CRITICAL, case.note, now, CERTAIN)]
    if case.step is Step.DONE and case.note:
        return [observation(RunEnded(case.job, "Crashed", case.run, case.note, now))]
    return []


async def told(store: Store, said: Iterable[Case], *, now: datetime) -> None:
    """People were told of these: those are over that need nothing more.

    Raises:
        UnavailableError: the store is down; it is said again, under the same key.
    """
    for case in said:
        if case.step is Step.DONE and case.note and case.job in LEAVE_NO_SIGN:
            await cases.stepped(store, replace(case, step=Step.AWAITED))
        elif case.step in {Step.DONE, Step.OVER}:
            await cases.close(store, case.run_id, now=now)


async def _ended(store: Store, api: PrefectApiClient, case: Case, now: datetime) -> Case:
    await cases.audit(store, case, "run_lost", now=now)
    try:
        run = await api.unfinished.run(case.run_id)
    except RejectedError:
        return await _dropped(store, case, "it was deleted")
    if run.state_type in AT_WORK:
        if run.state_id != case.state_id:
            return await _dropped(store, case, "it was heard of since")
        state, name = ("CANCELLED", "Cancelled") if case.cancelling else ("CRASHED", "Crashed")
        if not await api.unfinished.end(case.run_id, state=state, name=name, message=f"{MARK}{case.why}"):
            run = await api.unfinished.run(case.run_id)
            if not _is_lost(run, case):
                return await _dropped(store, case, "it ended by itself")
    elif not _is_lost(run, case):
        return await _dropped(store, case, "it ended by itself")
    if case.job == RETRAIN:
        await retrain_lock.let_go(store, case.run_id)
    log.warning("the run %s of %s is lost: %s", case.run, case.job, case.why)
    return await cases.stepped(store, replace(case, step=Step.ENDED))


def _is_lost(run: UnfinishedRun, case: Case) -> bool:
    """Whether its last state is ours, or one that a worker gave it before anybody dealt with it."""
    return run.message.startswith(MARK) or (run.state_type == "CRASHED" and run.state_id == case.state_id)


async def _dropped(store: Store, case: Case, why: str) -> Case:
    log.info("the run %s of %s is not lost: %s", case.run, case.job, why)
    return await cases.stepped(store, replace(case, step=Step.DONE, note=""))


async def _again(store: Store, api: PrefectApiClient, case: Case, *, starts_again: bool, now: datetime) -> Case:
    if case.cancelling:
        return await cases.stepped(store, replace(case, step=Step.DONE))
    if case.job in ORDERED and case.second:
        await cases.audit(store, case, "run_given_up", now=now)
        note = f"the run {case.run} was lost ({case.why}), and so was the one before it: it is not started a third time"
        remedy = f"look at the memory and the log of the worker, then start it: {_command(case)}"
        return await cases.stepped(store, replace(case, step=Step.GIVEN_UP, note=f"{note}; {remedy}"))
    if case.job not in ORDERED:
        return await _done(store, case, "its schedule brings the next run")
    if not starts_again:
        return await _done(store, case, f"start it again: {_command(case)}")
    obstacle = await _obstacle(api, case)
    if obstacle == SLOT_TAKEN and now - case.found_at < SLOT_PATIENCE:
        return case
    return await _done(store, case, obstacle or await _started(store, api, case, now))


async def _obstacle(api: PrefectApiClient, case: Case) -> str:
    """Why it cannot be started again now; empty when it can."""
    deployed = (await api.unfinished.deployed([case.deployment_id])).get(case.deployment_id)
    if deployed is None:
        return "its deployment is gone, so it is not started again"
    if not deployed.cancels_new or deployed.limit is None or deployed.taken < deployed.limit:
        return ""
    others = await api.unfinished.at_work([case.job])
    return f"the run {others[0].name} is at work, so it gives way to that" if others else SLOT_TAKEN


async def _started(store: Store, api: PrefectApiClient, case: Case, now: datetime) -> str:
    run = await api.unfinished.run(case.run_id)
    started = await api.start(case.deployment_id, parameters=run.parameters, idempotency_key=key_again(case.run_id))
    await cases.audit(store, case, "run_started_again", now=now, as_run_id=started.run_id, as_run=started.name)
    return f"started again as {started.name}"


async def _done(store: Store, case: Case, what: str) -> Case:
    log.warning("the run %s of %s: %s", case.run, case.job, what)
    return await cases.stepped(store, replace(case, step=Step.DONE, note=f"{case.why}; {what}"))


def _command(case: Case) -> str:
    return f"prefect deployment run '{case.job}/{case.job}'"
