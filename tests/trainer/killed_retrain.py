"""One retrain of one model in a process of its own: it says when it has come to a stage, and waits to be killed.

Args: HOME TRAINER RUN SEED STAGE; STAGE is candles, training, judged, switched, told, or none for a run to the end.
"""

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import respx

from tests.unit.jobs.exchange_wire import EXCHANGE, Exchange
from tradeops.domain.models.training import JobState, Training
from tradeops.jobs.models import contest, retrain, retrain_lock
from tradeops.jobs.models.retrain_inputs import Order
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_desk

MODEL, SYMBOL = "gru", "BTCUSDT"
LEASE, RENEW = timedelta(seconds=1.5), timedelta(seconds=0.1)


def settings(home: Path, trainer: str, seed: int = 1) -> Settings:
    values: dict[str, Any] = {
        "RUST_API_URL": "http://engine.test",
        "BINANCE_API_URL": EXCHANGE,
        "TRADEOPS_HOME": home,
        "TRADEOPS_STORE": "sqlite",
        "TRADEOPS_RETRAIN_DAYS": 30,
        "TRADEOPS_RETRAIN_WINDOW": 8,
        "TRADEOPS_RETRAIN_EPOCHS": 1,
        "TRADEOPS_RETRAIN_SEED": seed,
        "TRADEOPS_RETRAIN_POLL_SECONDS": 0.05,
        "TRADEOPS_RETRAIN_LEAST_DISK_GIB": 0,
        "TRAINER_URL": trainer,
    }
    return Settings(_env_file=None, **values)


async def wait(stage: str) -> None:
    print(stage, flush=True)  # noqa: T201 - the parent waits for it
    await asyncio.sleep(300)


class Stopping:
    """A trainer at whose switch the run stands still, before or after."""

    def __init__(self, trainer: Any, stage: str) -> None:  # noqa: ANN401 - a trainer
        self._trainer, self._stage = trainer, stage

    def __getattr__(self, name: str) -> object:
        return getattr(self._trainer, name)

    async def promote(self, *args: Any, **more: Any) -> object:  # noqa: ANN401 - as the trainer's
        if self._stage == "judged":
            await wait("judged")
        switched = await self._trainer.promote(*args, **more)
        if self._stage == "switched":
            await wait("switched")
        return switched


async def work(opened: Desk, run_id: str, stage: str) -> str:
    """What `adaptive_retrain` does, step by step."""
    while await retrain_lock.at_work(opened.store, datetime.now(UTC)):  # noqa: ASYNC110 - a lock in a file
        await asyncio.sleep(0.05)

    async def told(training: Training) -> None:
        if stage == "training" and training.state is JobState.RUNNING:
            await wait("training")

    desk = replace(opened, trainer=Stopping(opened.trainer, stage))  # type: ignore[arg-type]
    async with retrain_lock.held(desk.store, run_id=run_id, lease=LEASE, renew=RENEW) as lock:
        order = Order((MODEL,), (SYMBOL,))
        run = retrain.begun(desk, run_id, started_at=datetime.now(UTC), lock=lock)
        gathered = await retrain.gather(desk, order, run)
        outcome = await retrain.attempt(desk, run, MODEL, SYMBOL, gathered[SYMBOL], told=told)
        outcome = await retrain.deploy(desk, run, outcome)
        if stage == "told":
            await wait("told")
        await retrain.record(desk, retrain.report_of(order, run, gathered, [outcome]))
    return f"deployed {outcome.version}" if outcome.deployed else outcome.reason


async def main(home: str, trainer: str, run_id: str, seed: str, stage: str) -> None:
    gate = contest.judge

    def lenient(*args: Any, **more: Any) -> object:  # noqa: ANN401 - as the gate's
        return replace(gate(*args, **more), promoted=True)

    contest.judge = lenient  # type: ignore[assignment] # what it lets pass is tested elsewhere
    with respx.mock(assert_all_called=False) as wire:
        wire.route(host="127.0.0.1").pass_through()
        exchange = Exchange(wire, clock=None)

        async def slow(request: httpx.Request) -> httpx.Response:
            if stage == "candles":
                await wait("candles")
            return exchange.answer(request)

        wire.get(f"{EXCHANGE}/api/v3/klines").mock(side_effect=slow)
        async with open_desk(settings(Path(home), trainer, int(seed))) as opened:
            print(await work(opened, run_id, stage), flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
