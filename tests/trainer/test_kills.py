"""`kill -9` of the retrain, the trainer, and both, at each stage: the champion stays, and each effect comes once."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from tests.trainer.killed_retrain import MODEL, STAGES, SYMBOL, settings
from tests.trainer.running import ROOT, Running, until
from tradeops.jobs.model_promotion import INTENDED, PROMOTED, WATCHES
from tradeops.jobs.retrain_records import ACCURACY, HISTORY
from tradeops.wiring import open_desk

EVER = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC)}
PATIENCE_SECONDS = 240


@dataclass
class Scene:
    """One trainer, with which one retrain after the other works; each seed is another model."""

    trainer: Running

    @property
    def address(self) -> str:
        return str(self.trainer.http.base_url)

    def begin(self, home: Path, run_id: str, seed: int, stage: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "tests.trainer.killed_retrain", str(home), self.address]
        return subprocess.Popen([*command, run_id, str(seed), stage], cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def to_the_end(self, home: Path, run_id: str, seed: int) -> str:
        out, _ = self.begin(home, run_id, seed, "none").communicate(timeout=PATIENCE_SECONDS)
        return out.strip()

    @property
    def champion(self) -> str | None:
        return next((name for name, role in self.trainer.roles(MODEL).items() if role == "champion"), None)

    @property
    def jobs(self) -> int:
        return len(list((self.trainer.home / "jobs").glob("*/asked.json")))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Iterator[Scene]:
    """With a champion, on a port of its own: a trainer that comes back is found where it was."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    trainer = Running(tmp_path_factory.mktemp("kills"), compiled, port=port).start()
    scene = Scene(trainer)
    assert scene.to_the_end(tmp_path_factory.mktemp("home"), "first", 1) == f"deployed {scene.champion}"
    yield scene
    trainer.stop()


@pytest.mark.parametrize(("seed", "both"), [(2, False), (3, True)], ids=["the retrain", "the retrain and the trainer"])
async def test_killed_at_each_stage_it_trains_once_promotes_once_and_records_once(
    scene: Scene, tmp_path: Path, seed: int, both: bool
) -> None:
    old, jobs = scene.champion, scene.jobs
    for stage in STAGES:
        run = scene.begin(tmp_path, stage, seed, stage)
        assert run.stdout is not None
        assert run.stdout.readline().strip() == stage
        run.kill()
        if both:
            scene.trainer.kill()
        run.communicate()
        if both:
            scene.trainer.start()
        assert scene.jobs == jobs + (stage != "candles")
        assert (scene.champion == old) is (stage in {"candles", "training", "judged"})
    assert scene.to_the_end(tmp_path, "last", seed) == f"deployed {scene.champion}"
    assert scene.champion != old
    assert scene.trainer.roles(MODEL)[str(old)] == "previous"
    assert scene.jobs == jobs + 1
    async with open_desk(settings(tmp_path, scene.address)) as desk:
        events = await desk.store.events(**EVER)
        [history] = await desk.store.points(HISTORY, **EVER)
        [accuracy] = await desk.store.points(ACCURACY, **EVER)
        watch = await desk.store.get(WATCHES, f"{MODEL}:{SYMBOL}")
    assert sorted(event.kind for event in events) == sorted([INTENDED, PROMOTED])
    assert (history.key, history.body["deployed_count"]) == ("last", 1)
    assert accuracy.body["version"] == scene.champion
    assert watch is not None
    assert watch.body["previous"] == old


def test_a_trainer_that_is_killed_while_it_trains_costs_the_retrain_nothing(scene: Scene, tmp_path: Path) -> None:
    jobs, old = scene.jobs, scene.champion
    run = scene.begin(tmp_path, "alone", 4, "none")
    child = until(lambda: scene.jobs > jobs and scene.trainer.child())
    scene.trainer.kill()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)  # nobody trains on unseen
    scene.trainer.start()
    out, _ = run.communicate(timeout=PATIENCE_SECONDS)
    assert out.strip() == f"deployed {scene.champion}"
    assert scene.champion != old
    assert scene.jobs == jobs + 1
