"""Lost runs on a real Prefect server: found, ended, their slot let go, started again once, told once."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect import flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import SetStateStatus
from prefect.events import emit_event
from prefect.settings import PREFECT_API_URL
from prefect.states import Cancelling, Completed, Crashed, Pending, Running

from tradeops.adapters.prefect_api.client import PrefectApiClient
from tradeops.adapters.prefect_api.unfinished import BEAT_NAME
from tradeops.adapters.store import Store, open_store
from tradeops.domain.incidents.model import Observation
from tradeops.domain.lost_runs import key_again
from tradeops.errors import UnavailableError
from tradeops.http import Answer, HttpPolicy, HttpService, open_pool
from tradeops.jobs.models import retrain_lock
from tradeops.jobs.monitoring import lost_run_cases
from tradeops.jobs.monitoring.lost_run_cases import Case, Step
from tradeops.jobs.monitoring.lost_runs import LostRuns

JOB = "adaptive-retrain"
PARAMETERS: dict[str, Any] = {"symbols": ["BTCUSDT"], "decision_id": None}
LEAST = timedelta(seconds=90)
LOOK_SECONDS = 45.0


class Dying(HttpService):
    """A watchdog that is killed once after so many requests: what the last one did is done, and it never knows."""

    left = -1

    async def request(self, *arguments: Any, **more: Any) -> Answer:  # noqa: ANN401 - whatever it is asked for
        answer = await super().request(*arguments, **more)
        self.left -= 1
        if self.left == 0:
            raise UnavailableError("watchdog", "killed")
        return answer


@dataclass
class Ground:
    """A deployment that runs one at a time, and what watches it."""

    store: Store
    service: Dying
    client: PrefectClient
    deployment_id: Any
    now: float = 1000.0

    def watchdog(self) -> LostRuns:
        return LostRuns(self.store, PrefectApiClient(self.service), LEAST, clock=lambda: self.now)

    async def run(self, *states: State[Any], key: str | None = None) -> FlowRun:
        run = await self.client.create_flow_run_from_deployment(
            self.deployment_id, parameters=PARAMETERS, idempotency_key=key or str(uuid4())
        )
        for state in states:
            await self.client.set_flow_run_state(run.id, state)
        return await self.client.read_flow_run(run.id)

    async def stand_in(self, run: FlowRun) -> list[FlowRun]:
        key = {"idempotency_key": {"any_": [key_again(str(run.id))]}}
        answer = await self.asked("/flow_runs/filter", {"flow_runs": key})
        return [FlowRun.model_validate(one) for one in answer.json()]

    async def asked(self, path: str, body: dict[str, Any]) -> Answer:
        """What it answers at last; on SQLite it is busy now and then."""
        for _ in range(240):
            answer = await self.service.request("POST", path, body=body)
            if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                break
            await asyncio.sleep(0.5)
        answer.raise_for_status()
        return answer

    async def taken(self) -> int:
        limit = (await self.client.read_deployment(self.deployment_id)).global_concurrency_limit
        assert limit is not None
        return limit.active_slots


@flow(name=JOB)
def stand_in(symbols: list[str] | None = None, decision_id: str | None = None) -> object:
    return symbols, decision_id


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    policy = HttpPolicy(read=timedelta(seconds=20))
    async with open_store("sqlite", home=tmp_path) as store, open_pool() as pool, get_client() as client:
        service = Dying(pool, system="prefect", base_url=PREFECT_API_URL.value(), policy=policy)
        deployment_id = await client.create_deployment(
            await client.create_flow(stand_in),
            JOB,
            concurrency_limit=1,
            concurrency_options={"collision_strategy": "CANCEL_NEW"},  # type: ignore[arg-type]
            job_variables={"env": {BEAT_NAME: "30"}},
        )
        yield Ground(store, service, client, deployment_id)
        await client.delete_deployment(deployment_id)


@asynccontextmanager
async def retitled(ground: Ground, job: str, *, pool: str | None = None) -> AsyncIterator[None]:
    """The ground with a deployment of another name, or in a pool."""
    was, flow_id = ground.deployment_id, await ground.client.create_flow(stand_in)
    ground.deployment_id = await ground.client.create_deployment(flow_id, job, work_pool_name=pool)
    yield
    await ground.client.delete_deployment(ground.deployment_id)
    ground.deployment_id = was


async def looked(watchdog: LostRuns) -> list[Observation]:
    """One look that was counted, as the watchdog does it."""
    now = datetime.now(UTC)
    seen = await watchdog.look(now=now)
    await watchdog.told(now=now)
    return [one for one in seen if one.severity is not None]


async def told_by(watchdog: LostRuns) -> list[Observation]:
    """What people are told; a busy server may refuse a step, which the next look does again."""
    for _ in range(60):
        if seen := await looked(watchdog):
            return seen
        await asyncio.sleep(0.5)
    pytest.fail("nothing was told")


async def closed_unsaid(ground: Ground) -> None:
    """Look until all cases are dealt with; nobody is told."""
    for _ in range(10):
        assert await looked(ground.watchdog()) == []
        if not (await lost_run_cases.read(ground.store)).cases:
            return
        await asyncio.sleep(1)
    pytest.fail("a case stays open")


async def over(watchdog: LostRuns, key: str) -> Observation:
    """The look that ends the incident."""
    for _ in range(10):
        for one in await watchdog.look(now=datetime.now(UTC)):
            if one.key == key and one.severity is None:
                return one
        await asyncio.sleep(1)
    pytest.fail("it does not end")


def case_of(ground: Ground, run: FlowRun, *, job: str = JOB, state_id: object = None, minutes: int = 0) -> Case:
    found_at = (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()
    return Case(str(run.id), run.name, job, str(ground.deployment_id), str(state_id or run.state_id), found_at, "quiet")


async def until_heard(watchdog: LostRuns) -> None:
    """Wait until our own event has come all the way: from then on heartbeats could be heard."""
    ends_at = time.monotonic() + 150
    while not (watchdog._sent and await watchdog.api.unfinished.has_event(watchdog._sent)):
        assert time.monotonic() < ends_at, "no event came through"
        await asyncio.sleep(0.1)


async def test_a_run_whose_process_was_killed_is_ended_and_started_again_and_one_that_lives_is_not(
    ground: Ground,
) -> None:
    began, watchdog = datetime.now(UTC), ground.watchdog()
    run = await ground.run(Pending(), Running())
    command = [sys.executable, "-c", "import time; time.sleep(300)"]
    process = await asyncio.create_subprocess_exec(*command, env={"PREFECT__FLOW_RUN_ID": str(run.id)})
    try:
        await ground.client.update_flow_run(run.id, infrastructure_pid=str(process.pid))
        emit_event("prefect.flow-run.heartbeat", {"prefect.resource.id": f"prefect.flow-run.{run.id}"})
        for _ in range(10):  # its heartbeat may come late
            if seen := await looked(watchdog):
                break
            await until_heard(watchdog)
            ground.now += LOOK_SECONDS
        assert [(one.key, run.name in one.summary) for one in seen] == [("run:silent", True)]
        assert (await ground.client.read_flow_run(run.id)).state_name == "Running"
        assert await ground.taken() == 1
    finally:
        process.kill()
        await process.wait()
    async with retrain_lock.held(ground.store, run_id=str(run.id)):
        [told] = await told_by(watchdog)
        assert not await retrain_lock.at_work(ground.store, datetime.now(UTC)), "the next one goes on from it"
    ended = await ground.client.read_flow_run(run.id)
    assert (ended.state_name, str(ended.state and ended.state.message)[:29]) == (
        "Crashed",
        "TradeOps: no sign of life for",
    )
    assert await ground.taken() == 0
    [again] = await ground.stand_in(run)
    assert (again.parameters, again.state_name) == (run.parameters, "Scheduled")
    assert (told.key, f"started again as {again.name}" in told.summary) == (f"job:{JOB}", True)
    assert await looked(watchdog) == []
    kinds = [event.kind for event in await ground.store.events(since=began, until=datetime.now(UTC))]
    assert kinds == ["run_lost", "run_started_again"]


async def test_a_run_that_never_began_is_lost_sooner_where_no_image_has_to_be_fetched(ground: Ground) -> None:
    found: dict[str, tuple[str, int]] = {}
    for kind in ("process", "docker"):
        pool = WorkPoolCreate(name=f"{kind}-{uuid4()}", type=kind)
        await ground.client.create_work_pool(pool)
        async with retitled(ground, "backtest-strategy", pool=pool.name):
            run, watchdog = await ground.run(Pending()), ground.watchdog()
            for _ in range(4):  # 135 s
                await looked(watchdog)
                await until_heard(watchdog)
                ground.now += LOOK_SECONDS
            began = await ground.client.read_flow_run(run.id)
            found[kind] = (str(began.state_name), len(await ground.stand_in(run)))
            late = await ground.client.set_flow_run_state(run.id, Running())
            assert late.status is SetStateStatus.ACCEPT, "Prefect lets it begin late: a second one must do no harm"
    assert found == {"process": ("Crashed", 1), "docker": ("Pending", 0)}


async def test_nothing_is_lost_while_heartbeats_could_not_be_heard(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, watchdog = await ground.run(Pending(), Running()), ground.watchdog()
    with monkeypatch.context() as deaf:

        async def unheard(*_: object) -> bool:
            return False

        deaf.setattr("tradeops.adapters.prefect_api.unfinished.UnfinishedRuns.has_event", unheard)
        for _ in range(10):
            assert await looked(watchdog) == []
            ground.now += LOOK_SECONDS
    for _ in range(3):  # the server is away again and again
        await until_heard(watchdog)
        ground.service.left = 1
        assert await looked(watchdog) == []
        ground.now += LOOK_SECONDS
        assert await looked(watchdog) == []
        ground.now += LOOK_SECONDS
    assert (await ground.client.read_flow_run(run.id)).state_name == "Running"


async def test_however_often_it_is_killed_one_run_takes_the_place_of_the_lost_one(ground: Ground) -> None:
    for killed_after in range(1, 12):
        run, watchdog = (
            await ground.run(Pending(), Running(), Crashed(message="the worker was stopped")),
            ground.watchdog(),
        )
        ground.service.left = killed_after
        await watchdog.look(now=datetime.now(UTC))
        died, ground.service.left = ground.service.left <= 0, -1
        both = ground.watchdog(), ground.watchdog()
        told = [one for seen in await asyncio.gather(*map(looked, both)) for one in seen]
        for _ in range(60):  # a busy server may refuse a step, which the next look does again
            if found := await ground.stand_in(run):
                break
            told += await looked(both[0])
            await asyncio.sleep(0.5)
        [again] = found
        assert {one.key for one in told} <= {f"job:{JOB}"}
        await ground.client.set_flow_run_state(again.id, Completed(), force=True)
        if not died:
            break
    else:
        pytest.fail("it never came to its end")


async def test_what_crashed_before_somebody_watched_is_left_alone(ground: Ground) -> None:
    run = await ground.run(Pending(), Running(), Crashed(message="everything was stopped"))
    now = datetime.now(UTC)
    seen = await ground.watchdog().look(now=now, watched_since=now + timedelta(seconds=1))
    assert [one for one in seen if one.severity is not None] == []
    assert await ground.stand_in(run) == []


async def test_a_run_that_is_lost_twice_is_told_until_one_works(ground: Ground) -> None:
    watchdog = ground.watchdog()
    second = await ground.run(Pending(), Running(), Crashed(), key=key_again("an earlier one"))
    for _ in range(2):
        [told] = await told_by(watchdog)
        assert told.key == f"run:lost:{JOB}"
        assert "it is not started a third time; look at" in told.summary
    assert await ground.stand_in(second) == []
    await ground.run(Pending(), Running(), Completed())
    assert await over(watchdog, told.key)


async def test_what_ends_by_itself_keeps_its_end(ground: Ground) -> None:
    run = await ground.run(Pending(), Running())
    await lost_run_cases.opened(ground.store, case_of(ground, run))
    await ground.client.set_flow_run_state(run.id, Completed())
    await closed_unsaid(ground)
    assert (await ground.client.read_flow_run(run.id)).state_name == "Completed"
    assert await ground.stand_in(run) == []


async def test_a_lost_run_that_somebody_wanted_to_end_is_cancelled_and_not_started_again(ground: Ground) -> None:
    run = await ground.run(Pending(), Running(), Cancelling())
    await lost_run_cases.opened(ground.store, replace(case_of(ground, run), cancelling=True))
    await closed_unsaid(ground)
    assert (await ground.client.read_flow_run(run.id)).state_name == "Cancelled"
    assert (await ground.taken(), await ground.stand_in(run)) == (0, [])


async def test_a_run_gives_way_to_one_that_has_taken_its_place(ground: Ground) -> None:
    lost = await ground.run(Pending(), Running(), Crashed())
    other = await ground.run(Pending(), Running())
    [told] = await told_by(ground.watchdog())
    assert f"the run {other.name} is at work" in told.summary
    assert await ground.stand_in(lost) == []


async def test_the_incident_of_a_job_whose_runs_do_not_end_it_is_over_when_one_works(ground: Ground) -> None:
    async with retitled(ground, "emergency-strategy-disable"):
        lost, watchdog = await ground.run(Pending(), Running(), Crashed()), ground.watchdog()
        [told] = await told_by(watchdog)
        assert await looked(watchdog) == []
        [again] = await ground.stand_in(lost)
        await ground.client.set_flow_run_state(again.id, Completed(), force=True)
        assert await over(watchdog, told.key)


@pytest.mark.parametrize(
    ("job", "starts_again", "says"),
    [
        pytest.param("system-health-check", True, "its schedule brings the next run", id="a scheduled job"),
        pytest.param(JOB, False, f"start it again: prefect deployment run '{JOB}/{JOB}'", id="switched off"),
    ],
)
async def test_what_is_not_started_again_is_told_with_what_to_do(
    ground: Ground, job: str, *, starts_again: bool, says: str
) -> None:
    run = await ground.run(Pending(), Running())
    await lost_run_cases.opened(ground.store, case_of(ground, run, job=job))
    watchdog = ground.watchdog()
    watchdog.starts_again = starts_again
    [told] = await told_by(watchdog)
    assert says in told.summary
    assert (await ground.client.read_flow_run(run.id)).state_name == "Crashed"
    assert (await ground.taken(), await ground.stand_in(run)) == (0, [])


async def test_a_run_that_was_heard_of_since_or_deleted_is_left_alone(ground: Ground) -> None:
    living, deleted = await ground.run(Pending(), Running()), await ground.run()
    await lost_run_cases.opened(ground.store, case_of(ground, living, state_id=uuid4()))
    await lost_run_cases.opened(ground.store, case_of(ground, deleted))
    await ground.client.delete_flow_run(deleted.id)
    await closed_unsaid(ground)
    assert (await ground.client.read_flow_run(living.id)).state_name == "Running"


async def test_a_slot_that_nobody_lets_go_of_is_waited_for_and_then_told(ground: Ground) -> None:
    run = await ground.run(Pending(), Running(), Crashed())
    slot = {"names": [f"deployment:{ground.deployment_id}"], "slots": 1, "mode": "concurrency"}
    await ground.asked("/v2/concurrency_limits/increment", slot)
    await lost_run_cases.opened(ground.store, replace(case_of(ground, run), step=Step.ENDED))
    assert await looked(ground.watchdog()) == []
    await lost_run_cases.stepped(ground.store, replace(case_of(ground, run, minutes=7), step=Step.ENDED))
    [told] = await told_by(ground.watchdog())
    assert "its slot stays taken" in told.summary
    assert await ground.stand_in(run) == []


async def test_an_order_whose_deployment_is_gone_is_told(ground: Ground) -> None:
    run = await ground.run(Pending(), Running(), Crashed())
    case = replace(case_of(ground, run), deployment_id=str(uuid4()))
    await lost_run_cases.opened(ground.store, case)
    [told] = await told_by(ground.watchdog())
    assert "its deployment is gone" in told.summary
