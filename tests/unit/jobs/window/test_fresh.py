"""An answer is worked out once for all who wait, and the engine is never waited for twice."""

import asyncio
import gc
from contextlib import suppress
from types import SimpleNamespace
from typing import cast

import pytest

from tradeops.adapters.engine.client import EngineClient
from tradeops.domain.window.values import Panel
from tradeops.errors import UnavailableError
from tradeops.jobs.ending import end
from tradeops.jobs.window import live as live_module
from tradeops.jobs.window.asking import panel
from tradeops.jobs.window.fresh import Fresh
from tradeops.jobs.window.links import run_link
from tradeops.jobs.window.live import Live
from tradeops.settings import Settings

OWN = "http://127.0.0.1:4200/api"
RUN = "f0ad91ea-c1cc-4f10-ac03-abbac60b1d89"


async def test_many_who_ask_at_once_cost_one_answer() -> None:
    made: list[str] = []

    async def make(key: str) -> str:
        made.append(key)
        await asyncio.sleep(0)
        return key

    fresh: Fresh[str, str] = Fresh(make, seconds=60, most=2)
    assert await asyncio.gather(*(fresh.get("a") for _ in range(5))) == ["a"] * 5
    assert made == ["a"]
    await fresh.get("b")
    await fresh.get("c")
    await fresh.get("a")
    assert made == ["a", "b", "c", "a"]


async def test_an_error_is_for_those_who_waited_and_is_not_kept() -> None:
    tries: list[int] = []

    async def make(_: str) -> int:
        tries.append(1)
        if len(tries) == 1:
            raise UnavailableError("store", "down")
        return 7

    fresh: Fresh[str, int] = Fresh(make, seconds=60)
    with pytest.raises(UnavailableError):
        await fresh.get("x")
    assert await fresh.get("x") == 7


async def test_an_error_after_the_last_who_waited_has_gone_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    gate = asyncio.Event()

    async def make(_: str) -> int:
        await gate.wait()
        raise UnavailableError("store", "down")

    fresh: Fresh[str, int] = Fresh(make, seconds=60)
    waiting = asyncio.create_task(_wait_for(fresh))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await end([waiting])
    gate.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del fresh, waiting
    gc.collect()
    assert not caplog.records


async def _wait_for(fresh: Fresh[str, int]) -> None:
    await fresh.get("x")


async def test_one_who_goes_away_does_not_take_the_answer_from_the_others() -> None:
    gate = asyncio.Event()

    async def make(_: str) -> int:
        await gate.wait()
        return 1

    fresh: Fresh[str, int] = Fresh(make, seconds=60)
    leaving, staying = (asyncio.create_task(fresh.get("x")) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    with suppress(asyncio.CancelledError):
        await leaving
    gate.set()
    assert await staying == 1


async def test_an_engine_that_hangs_is_waited_for_once_and_then_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "WITHIN_SECONDS", 0.05)
    asked: list[int] = []

    async def hang() -> None:
        asked.append(1)
        await asyncio.Event().wait()

    live = Live(cast("EngineClient", SimpleNamespace(portfolio=hang, open_trades=hang, status=hang)))
    first = await live.look()
    second = await live.look()
    await live.close()
    assert first.problem == second.problem == "the engine did not answer within 0.05 s"
    assert len(asked) == 3


async def test_a_task_that_swallows_a_cancellation_is_ended_all_the_same() -> None:
    swallowed: list[int] = []

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if swallowed:
                    raise
                swallowed.append(1)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await end([task])
    assert (task.cancelled(), swallowed) == (True, [1])


async def test_an_engine_that_is_not_configured_says_which_setting() -> None:
    assert "RUST_API_URL" in (await Live(None).look()).problem


async def test_a_panel_never_raises() -> None:
    async def refused() -> Panel[int]:
        raise UnavailableError("store", "it is down", remedy="start it")

    async def broken() -> Panel[int]:
        raise KeyError("date")

    assert (await panel(refused)).why == "store: it is down; start it"
    assert "our own code broke" in (await panel(broken)).why


@pytest.mark.parametrize(
    ("given", "run_id", "expected"),
    [
        ({"PREFECT_API_URL": OWN}, RUN, f"http://127.0.0.1:4200/runs/flow-run/{RUN}"),
        (
            {"PREFECT_API_URL": "http://prefect:4200/api", "PREFECT_UI_URL": "https://prefect.example.com/"},
            RUN,
            f"https://prefect.example.com/runs/flow-run/{RUN}",
        ),
        (
            {"PREFECT_API_URL": "https://api.prefect.cloud/api/accounts/a1/workspaces/w1"},
            RUN,
            f"https://app.prefect.cloud/account/a1/workspace/w1/runs/flow-run/{RUN}",
        ),
        ({"PREFECT_API_URL": OWN}, "cli-20261125", None),
        ({}, RUN, None),
    ],
    ids=["own server", "pages elsewhere", "cloud", "not a run of Prefect", "without Prefect"],
)
def test_a_run_is_linked_where_it_is_to_be_seen(given: dict[str, str], run_id: str, expected: str | None) -> None:
    link = run_link(Settings.model_validate(given), run_id)
    assert (link.href if link else None) == expected
