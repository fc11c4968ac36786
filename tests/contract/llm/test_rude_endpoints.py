"""A call of real servers that hang, drip, flood, reset or refuse: bounded in time and memory, billed at the most."""

import asyncio
import json
import socket
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.contract.servers.misbehaving import (
    Behaviour,
    Server,
    answer,
    drip,
    flood,
    hang,
    raw,
    reset,
    serving,
    then_close,
)
from tests.unit.jobs.llm_wire import KEY, MODEL, desk, prompt, responses
from tradeops.adapters.llm.arguments import Request
from tradeops.adapters.llm.calls import LlmCalls
from tradeops.domain.llm import Exchange, Failure, Outcome, Vote, judge
from tradeops.http import open_pool
from tradeops.jobs.decision import llm_budget, votes
from tradeops.jobs.decision.votes import ask_votes

GOOD = answer(json.dumps(responses()).encode())
WITHIN = timedelta(seconds=1)
MEGABYTES_20 = b'{"output": "' + b"x" * (20 * 1024 * 1024) + b'"}'


def request() -> Request:
    return Request(MODEL, "responses", "Be brief.", "Vote.", 4000)


async def asked(url: str, *, within: timedelta = WITHIN, key: str = KEY) -> Exchange:
    async with open_pool() as pool:
        calls = LlmCalls(pool, base_url=f"{url}/v1", key=key, connect=timedelta(seconds=30))
        await calls.load()
        return await calls.ask(request(), within=within)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    pauses = (timedelta(seconds=0.02), timedelta(seconds=0.02))
    monkeypatch.setattr(votes, "PACE", votes.Pace(pauses=pauses, least=timedelta(seconds=0.1)))
    return


@pytest.fixture
def closed_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def half(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{")
    await writer.drain()
    await asyncio.sleep(0.02)
    await reset(writer)


@pytest.mark.parametrize(
    ("behaviour", "outcome", "failure"),
    [
        pytest.param(GOOD, Outcome.ANSWERED, None, id="good"),
        pytest.param(hang, Outcome.STALLED, Failure.STALLED, id="hangs"),
        pytest.param(drip, Outcome.STALLED, Failure.STALLED, id="drips"),
        pytest.param(flood, Outcome.TOO_LARGE, Failure.TOO_LARGE, id="floods"),
        pytest.param(answer(MEGABYTES_20), Outcome.TOO_LARGE, Failure.TOO_LARGE, id="20 MB"),
        pytest.param(
            answer(MEGABYTES_20, status="500 No"),
            Outcome.TOO_LARGE,
            Failure.TOO_LARGE,
            id="20 MB in the body of an error",
        ),
        pytest.param(reset, Outcome.LOST, Failure.LOST, id="resets"),
        pytest.param(half, Outcome.LOST, Failure.LOST, id="resets in the middle of its answer"),
        pytest.param(then_close(answer(b"{", length=50)), Outcome.LOST, Failure.LOST, id="closes too early"),
        pytest.param(
            answer(b"\x1f\x8b", headers=("content-encoding: gzip",)),
            Outcome.TOO_LARGE,
            Failure.TOO_LARGE,
            id="packs unasked",
        ),
        pytest.param(raw(b"SSH-2.0-OpenSSH\r\n\r\n"), Outcome.MISDIRECTED, Failure.SETTINGS, id="speaks no HTTP"),
        pytest.param(answer(b"", status="204 No Content"), Outcome.ANSWERED, Failure.EMPTY, id="204"),
        pytest.param(
            answer(b"", status="307 Elsewhere", headers=("location: http://127.0.0.1:1/",)),
            Outcome.ANSWERED,
            Failure.SETTINGS,
            id="redirects",
        ),
    ],
)
async def test_one_call_ends_in_time_as_what_it_is(
    behaviour: Behaviour, outcome: Outcome, failure: Failure | None
) -> None:
    async with serving(behaviour) as server:
        began = time.monotonic()
        stalls = outcome is Outcome.STALLED
        exchange = await asked(server.url, within=WITHIN if stalls else timedelta(seconds=30))
        took = time.monotonic() - began
    assert (exchange.outcome, judge(exchange, "responses").failure) == (outcome, failure), exchange.problem
    assert len(server.requests) == 1
    assert not stalls or took < 5
    assert bool(exchange.problem) is (outcome is not Outcome.ANSWERED)


async def test_a_refused_connection_was_never_billed(closed_port: str) -> None:
    exchange = await asked(closed_port)
    assert exchange.outcome is Outcome.NOT_SENT
    assert "refused the connection" in exchange.problem


async def test_a_flood_is_not_held_in_memory() -> None:
    async with serving(flood) as server, open_pool() as pool:
        calls = LlmCalls(pool, base_url=f"{server.url}/v1", key=KEY, connect=timedelta(seconds=30))
        await calls.load()
        await calls.ask(request(), within=WITHIN)  # what is only paid once is paid
        tracemalloc.start()
        try:
            await calls.ask(request(), within=WITHIN)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 8 * 1024 * 1024


@pytest.mark.parametrize("key", ["sk-with\nbreak", "sk-schlüssel"], ids=["line break", "umlaut"])
async def test_a_key_that_cannot_be_sent_is_a_matter_of_settings_and_not_shown(key: str) -> None:
    async with serving(GOOD) as server:
        exchange = await asked(server.url, key=key)
    assert exchange.outcome is Outcome.MISDIRECTED
    assert not server.requests
    assert key not in exchange.problem
    assert "sk-" not in exchange.problem


async def test_a_cancelled_call_is_cancelled() -> None:
    async with serving(hang) as server:
        task = asyncio.create_task(asked(server.url, within=timedelta(seconds=30)))
        await asyncio.wait_for(server.asked.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.fixture
async def stalling() -> AsyncIterator[Server]:
    async with serving(hang) as server:
        yield server


async def one_vote(url: str, home: Path) -> tuple[Vote, float, int]:
    async with desk(home, OPENAI_BASE_URL=f"{url}/v1", TRADEOPS_LLM_VOTE_SECONDS="4") as opened:
        began = time.monotonic()
        told = await ask_votes(opened, prompt(), analysis="a", run_id="r", votes=1)
        took = time.monotonic() - began
        state = await llm_budget.read(opened)
        assert state.day_usd == told.cost.usd
        assert state.open_usd == 0
    return told.votes[0], took, len(told.tries)


async def test_a_vote_that_stalls_ends_within_its_whole_time_and_may_be_billed_twice(
    stalling: Server, tmp_path: Path
) -> None:
    vote, took, tries = await one_vote(stalling.url, tmp_path)
    assert (vote.failure, tries, len(stalling.requests)) == (Failure.STALLED, 2, 2)
    assert all(one.cost.estimated and one.cost.usd > 0 for one in vote.tries)
    assert took < 2 * 4  # what two tries of so long would take


async def test_a_vote_survives_a_first_try_that_stalls(tmp_path: Path) -> None:
    async with serving(hang, GOOD) as server:
        vote, _, tries = await one_vote(server.url, tmp_path)
    assert vote.proposal is not None
    assert tries == 2
    assert [one.cost.estimated for one in vote.tries] == [True, False]


async def test_three_votes_that_stall_take_no_longer_than_one(stalling: Server, tmp_path: Path) -> None:
    async with desk(tmp_path, OPENAI_BASE_URL=f"{stalling.url}/v1", TRADEOPS_LLM_VOTE_SECONDS="4") as opened:
        began = time.monotonic()
        told = await ask_votes(opened, prompt(), analysis="a", run_id="r")
        took = time.monotonic() - began
    assert (told.failing, len(told.tries)) == (True, 6)
    assert took < 2 * 4  # and one after the other, 12 s
