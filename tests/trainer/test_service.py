"""The service as a process, with real trainings: killed at its stages it goes on, once, and leaves nobody behind."""

import shutil
import signal
from collections.abc import AsyncIterator, Iterator

import psutil
import pytest

from tests.trainer.running import CANDLES, LENGTH, Body, Running, until
from tests.unit.domain.models.markets import market
from tradeops.adapters.trainer.client import THOROUGH, TrainerClient
from tradeops.adapters.trainer.interface import Trainer
from tradeops.domain.models.training import MODEL_TYPES, JobState, TrainingPlan
from tradeops.errors import ConflictError, RejectedError
from tradeops.http import HttpPolicy, HttpService, open_pool

MANY = 3262  # candles: 2,048 windows to learn from, in batches of the size whose program others have compiled already


@pytest.fixture
async def trainer(service: Running) -> AsyncIterator[Trainer]:
    async with open_pool() as pool:
        policy = HttpPolicy(read=THOROUGH)
        address = str(service.http.base_url)
        yield TrainerClient(HttpService(pool, system="trainer", base_url=address, policy=policy))


@pytest.fixture(autouse=True)
def _tidy(service: Running) -> Iterator[None]:
    yield
    service.cancel_all()


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def without(body: Body, *names: str) -> Body:
    return {name: value for name, value in body.items() if name not in names}


async def test_the_product_trains_judges_promotes_and_goes_back(
    service: Running, dataset: str, trainer: Trainer
) -> None:
    assert await trainer.upload("SOLUSDT", CANDLES) == dataset
    plan = TrainingPlan("gru", "SOLUSDT", dataset, epochs=1, batch_size=128, length=LENGTH)
    job = await trainer.train(plan, idempotency_key="whole")
    with pytest.raises(ConflictError, match="is being trained already"):
        await trainer.train(plan, idempotency_key="another")
    service.trained(job.job_id)
    done = await trainer.train(plan, idempotency_key="whole")
    assert (done.job_id, done.state) == (job.job_id, JobState.SUCCEEDED)
    assert done.result is not None
    assert set(done.result.baselines) == {"majority", "persistence", "logistic"}
    version, holdout = done.result.version, done.result.holdout
    window = {"since_ms": int(holdout.opened_ms[0]), "until_ms": int(holdout.opened_ms[-1]) + 1}
    again = await trainer.evaluate("gru", "SOLUSDT", version, dataset, **window)
    assert again.opened_ms.tolist() == holdout.opened_ms.tolist()
    assert again.probabilities.tolist() == pytest.approx(holdout.probabilities.tolist(), abs=1e-6)
    assert again.returns.tolist() == holdout.returns.tolist()
    record = await trainer.promote("gru", "SOLUSDT", version, expected=None, unproven=True)
    assert (record.role, record.unproven) == ("champion", True)
    with pytest.raises(RejectedError, match="had no version before"):
        await trainer.rollback("gru", "SOLUSDT", expected=version, reason="a test")
    asked = {"model_type": "gru", "symbol": "SOLUSDT", "candles": CANDLES.to_json()}
    said = service.post("/predict", asked)
    assert (said["version"], said["opened_ms"]) == (version, int(CANDLES.opened_ms[-1]))
    assert said["signal"] == (
        "long" if said["probability"] >= 0.55 else "short" if said["probability"] <= 0.45 else "neutral"
    )
    assert (await trainer.health()).running == ()


def test_each_kind_of_network_learns_from_two_thousand_windows(service: Running) -> None:
    dataset = service.post("/ai/datasets", {"candles": market(MANY).to_json()})["dataset_id"]
    begun = {
        kind: service.train(dataset, f"many-{kind}", symbol="MANY", model_type=kind)["job_id"] for kind in MODEL_TYPES
    }
    for kind, job in begun.items():
        told = service.trained(job)
        assert (told["state"], len(told["history"])) == ("succeeded", 1), told["problem"]
        assert (told["result"]["training_samples"], len(told["result"]["holdout"]["returns"])) == (2048, 652)
        assert list(service.roles(kind, "MANY")) == [told["result"]["version"]]


def test_kill_minus_nine_of_child_and_service_changes_nothing_in_what_comes_out(service: Running, dataset: str) -> None:
    champion = {version: role for version, role in service.roles("gru", "SOLUSDT").items() if role == "champion"}
    unbroken = service.train(dataset, "unbroken", symbol="AAA", epochs=8, seed=9)["job_id"]
    broken = service.train(dataset, "broken", symbol="BBB", epochs=8, seed=9)["job_id"]
    queued = service.train(dataset, "queued", symbol="CCC", model_type="lstm")["job_id"]
    service.trained(unbroken)
    until(lambda: service.training(broken)["history"])
    first = service.child()
    first.kill()
    second = service.child(after=first.pid)
    service.kill()
    until(lambda: is_gone(second))
    service.start()
    assert service.training(queued)["state"] == "queued"
    assert service.post(f"/ai/train/{queued}/cancel")["state"] == "cancelled"
    told = service.trained(broken)
    expected = service.training(unbroken)
    assert (told["state"], told["problem"]) == ("succeeded", "")
    assert told["history"] == expected["history"]
    assert without(told["result"], "version") == without(expected["result"], "version")
    assert list(service.roles("gru", "BBB")) == [told["result"]["version"]]
    assert service.roles("lstm", "CCC") == {}
    assert champion.items() <= service.roles("gru", "SOLUSDT").items()


def test_a_training_that_is_cancelled_at_work_ends_at_once_and_leaves_nothing(service: Running, dataset: str) -> None:
    job = service.train(dataset, "cancelled", symbol="DDD", epochs=400)["job_id"]
    child = service.child()
    assert service.get("/health")["running"] == [job]
    assert service.post(f"/ai/train/{job}/cancel")["state"] == "cancelled"
    until(lambda: is_gone(child) and not service.get("/health")["running"])
    assert service.training(job)["state"] == "cancelled"
    assert service.roles("gru", "DDD") == {}


def test_a_child_that_dies_again_and_again_is_given_up(service: Running, dataset: str) -> None:
    job = service.train(dataset, "doomed", symbol="EEE", epochs=400, batch_size=32)["job_id"]
    gone = 0
    for _ in range(5):
        child = service.child(after=gone)
        gone = child.pid
        child.send_signal(signal.SIGKILL)
    told = service.trained(job)
    assert told["state"] == "failed"
    assert told["problem"] == "its process was ended by SIGKILL, 5 times; see the log"
    assert (service.home / "jobs" / job / "memory.json").read_text() == '{"most_batch": 8}'


def test_ctrl_c_ends_service_and_child_and_the_training_is_taken_up_again(service: Running, dataset: str) -> None:
    job = service.train(dataset, "interrupted", symbol="FFF", epochs=400)["job_id"]
    child = service.child()
    service.stop()
    assert is_gone(child)
    service.start()
    assert until(lambda: service.get("/health")["running"]) == [job]
    service.post(f"/ai/train/{job}/cancel")


def test_a_data_set_that_goes_bad_in_the_queue_ends_its_training_with_the_reason(
    service: Running, dataset: str
) -> None:
    kept = service.home / "datasets" / f"{dataset}.npz"
    shutil.copy(kept, service.home / "kept")
    blocker = service.train(dataset, "blocker", symbol="GGG", epochs=400)["job_id"]
    job = service.train(dataset, "spoilt", symbol="HHH")["job_id"]
    kept.write_bytes(b"spoilt")
    service.post(f"/ai/train/{blocker}/cancel")
    told = service.trained(job)
    assert (told["state"], "upload it again" in told["problem"]) == ("failed", True)
    service.post("/ai/datasets", {"candles": CANDLES.to_json()})
    assert kept.read_bytes()[:2] == (service.home / "kept").read_bytes()[:2]
