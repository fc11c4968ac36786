"""`kill -9` of the retrain, the trainer, and both, at each stage: the champion stays, and each effect comes once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from tests.conftest import UNTRACED
from tests.ports import reserved
from tests.trainer.killed_retrain import MODEL, SYMBOL, settings
from tests.trainer.running import ROOT, Running, until
from tradeops.jobs.models.promotion import INTENDED, PROMOTED, WATCHES
from tradeops.jobs.models.retrain_records import ACCURACY, HISTORY
from tradeops.wiring import open_desk

EVER = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC)}
PATIENCE_SECONDS = 240
STAGES = {"candles": False, "training": True, "judged": False, "switched": True, "told": False}  # the trainer dies too


@dataclass
class Scene:
    """One trainer, with which one retrain after the other works; each seed is another model."""

    trainer: Running

    @property
    def address(self) -> str:
        return str(self.trainer.http.base_url)

    def begin(self, home: Path, run_id: str, seed: int, stage: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "tests.trainer.killed_retrain", str(home), self.address]
        return subprocess.Popen(
            [*command, run_id, str(seed), stage], cwd=ROOT, env=os.environ | UNTRACED, stdout=subprocess.PIPE, text=True
        )

    @property
    def champion(self) -> str | None:
        return next((name for name, role in self.trainer.roles(MODEL).items() if role == "champion"), None)

    @property
    def jobs(self) -> int:
        return len(list((self.trainer.home / "jobs").glob("*/asked.json")))


@pytest.fixture
def scene(tmp_path: Path, compiled: Path) -> Iterator[Scene]:
    """On a port of its own: a trainer that comes back is found where it was."""
    trainer = Running(tmp_path / "trainer", compiled, port=reserved()).start()
    yield Scene(trainer)
    trainer.stop()


async def test_killed_at_each_stage_it_trains_once_promotes_once_and_records_once(scene: Scene, tmp_path: Path) -> None:
    old = first_model_of_a_trainer_that_is_killed_while_it_trains(scene, tmp_path / "earlier")
    home = tmp_path / "home"
    for stage, both in STAGES.items():
        run = scene.begin(home, stage, 2, stage)
        assert run.stdout is not None
        assert run.stdout.readline().strip() == stage
        run.kill()
        if both:
            scene.trainer.kill()
        run.communicate()
        if both:
            scene.trainer.start()
        assert scene.jobs == (1 if stage == "candles" else 2)
        assert (scene.champion == old) is (stage in {"candles", "training", "judged"})
    out, _ = scene.begin(home, "last", 2, "none").communicate(timeout=PATIENCE_SECONDS)
    assert out.strip() == f"deployed {scene.champion}"
    assert scene.trainer.roles(MODEL) == {old: "previous", scene.champion: "champion"}
    assert scene.jobs == 2
    async with open_desk(settings(home, scene.address)) as desk:
        events = await desk.store.events(**EVER)
        [history] = await desk.store.points(HISTORY, **EVER)
        [accuracy] = await desk.store.points(ACCURACY, **EVER)
        watch = await desk.store.get(WATCHES, f"{MODEL}:{SYMBOL}")
    assert sorted(event.kind for event in events) == sorted([INTENDED, PROMOTED])
    assert (history.key, history.body["deployed_count"]) == ("last", 1)
    assert accuracy.body["version"] == scene.champion
    assert watch is not None
    assert watch.body["previous"] == old


def first_model_of_a_trainer_that_is_killed_while_it_trains(scene: Scene, home: Path) -> str:
    """The retrain goes on when the trainer is back; meanwhile nobody trains on unseen."""
    run = scene.begin(home, "first", 1, "none")
    child = until(lambda: scene.jobs == 1 and scene.trainer.child())
    scene.trainer.kill()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    scene.trainer.start()
    out, _ = run.communicate(timeout=PATIENCE_SECONDS)
    assert scene.champion is not None
    assert out.strip() == f"deployed {scene.champion}"
    assert scene.jobs == 1
    return scene.champion
