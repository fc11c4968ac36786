"""The answer matrix: what each answer counts as, how often it is asked, and what is billed and kept."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
import respx

from tests.unit.jobs.llm_wire import (
    COST_OF_USAGE,
    GOOD,
    KEY,
    LLM,
    MODEL,
    USAGE,
    answer_text,
    chat,
    desk,
    prompt,
    refusal,
    refusing,
    responses,
    truncated,
)
from tradeops.adapters.store import Point
from tradeops.domain.llm import Cost, Failure, Recommendation, Round, Vote
from tradeops.errors import MisconfiguredError, UnavailableError
from tradeops.jobs.decision import llm_budget, votes
from tradeops.jobs.decision.votes import ask_votes
from tradeops.wiring import Desk

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
USED = Decimal(COST_OF_USAGE)
HTML = "<!doctype html><html><body>502 Bad Gateway</body></html>"
NOTHING = Decimal(0)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(votes, "PACE", votes.Pace(pauses=(timedelta(0), timedelta(0))))
    return


@dataclass(frozen=True)
class Told:
    vote: Vote
    requests: int
    kept: list[Point]
    raw: list[Point]
    most: Decimal


async def one_vote(
    tmp_path: Path,
    wire: respx.MockRouter,
    *answers: httpx.Response | Exception,
    api: str = "responses",
    listed: httpx.Response | None = None,
    **settings: object,
) -> Told:
    """What one vote makes of these answers; the last one for ever."""
    path = "/responses" if api == "responses" else "/chat/completions"
    last = answers[-1]
    again = [type(last)(*last.args) if isinstance(last, Exception) else last for _ in range(votes.MOST_TRIES)]
    route = wire.post(LLM + path).mock(side_effect=[*answers, *again])
    wire.get(f"{LLM}/models").mock(return_value=listed or httpx.Response(404))
    async with desk(tmp_path, TRADEOPS_LLM_API=api, **settings) as opened:
        round_ = await ask_votes(opened, prompt(), analysis="2026-11-25", run_id="run", votes=1, now=NOW)
        kept, raw = [await points(opened, series) for series in ("llm_calls", "llm_answers")]
        state = await llm_budget.read(opened, now=NOW)
        assert state.open_usd == 0
        assert state.day_usd == round_.cost.usd == sum(Decimal(str(point.body["cost_usd"])) for point in kept)
        most = votes_most(opened)
    return Told(round_.votes[0], route.call_count, kept, raw, most)


def votes_most(opened: Desk) -> Decimal:
    """The upper bound of a call, computed by hand: bytes of the prompt and schema, an envelope, the cap of output."""
    sent = len(prompt().instructions.encode()) + len(prompt().text.encode()) + votes.SCHEMA_BYTES + 500
    cap = opened.settings.llm_max_output_tokens
    return (sent * Decimal("0.125") + cap * Decimal("0.50")) / 1_000_000


async def points(opened: Desk, series: str) -> list[Point]:
    return await opened.store.points(series, since=NOW - timedelta(days=1), until=NOW + timedelta(days=1))


def ok(body: object, **headers: str) -> httpx.Response:
    content = body if isinstance(body, str) else json.dumps(body)
    return httpx.Response(200, content=content, headers={"content-type": "application/json"} | headers)


def no(status: int, body: object = None, **headers: str) -> httpx.Response:
    return httpx.Response(
        status, json=body or refusal(None), headers={n.replace("_", "-"): v for n, v in headers.items()}
    )


GOOD_ANSWER = ok(responses())
QUOTA = no(429, refusal("insufficient_quota", "You exceeded your current quota.", "insufficient_quota"))


@dataclass(frozen=True)
class Case:
    """A row of the matrix; `billed` counts answers by their usage, `bound` those at the upper bound."""

    answers: tuple[httpx.Response | Exception, ...]
    failure: Failure | None
    tries: int = 1
    billed: int = 0
    bound: int = 0
    statuses: tuple[int | None, ...] = ()


MATRIX = {
    "good JSON": Case((GOOD_ANSWER,), None, billed=1),
    "429 with a short Retry-After, then good": Case((no(429, retry_after="0"), GOOD_ANSWER), None, 2, billed=1),
    "429 with Retry-After 200": Case((no(429, retry_after="200"),), Failure.RATE_LIMITED),
    "429 with Retry-After as a date in an hour": Case(
        (no(429, retry_after=(datetime.now(UTC) + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")),),
        Failure.RATE_LIMITED,
    ),
    "429 always": Case((no(429),), Failure.RATE_LIMITED, 3),
    "429 insufficient_quota": Case((QUOTA,), Failure.QUOTA),
    "429 of a spend limit": Case((no(429, refusal("spend_limit_reached")),), Failure.QUOTA),
    "429 billing_hard_limit_reached": Case((no(429, refusal("billing_hard_limit_reached")),), Failure.QUOTA),
    "429 with the quota as its type alone": Case((no(429, refusal(None, kind="insufficient_quota")),), Failure.QUOTA),
    "402": Case((no(402),), Failure.QUOTA),
    "500 always": Case((no(500),), Failure.SERVER, 3),
    "500 with an empty body": Case((httpx.Response(500),), Failure.SERVER, 3),
    "500 with HTML": Case((httpx.Response(500, html=HTML),), Failure.SERVER, 3),
    "502 of a gateway always": Case((httpx.Response(502, html=HTML),), Failure.SERVER, 3, bound=3),
    "504 of a gateway, then good": Case((no(504), GOOD_ANSWER), None, 2, billed=1, bound=1),
    "503 with a short Retry-After, then good": Case((no(503, retry_after="0"), GOOD_ANSWER), None, 2, billed=1),
    "503 twice, then good": Case((no(503), no(503), GOOD_ANSWER), None, 3, billed=1),
    "503 with Retry-After 3600": Case((no(503, retry_after="3600"),), Failure.SERVER),
    "409, then good": Case((no(409), GOOD_ANSWER), None, 2, billed=1),
    "404 of the model": Case((no(404, refusal("model_not_found", "The model does not exist.")),), Failure.MODEL_GONE),
    "404 of the model, as others word it": Case((no(404, {"error": 'model "x" not found'}),), Failure.MODEL_GONE),
    "410 of the model": Case((no(410, refusal("model_retired")),), Failure.MODEL_GONE),
    "400 of a deprecated model": Case((no(400, refusal("model_deprecated")),), Failure.MODEL_GONE),
    "404 of the route": Case((no(404, refusal(None, "Invalid URL (POST /v1/responses)")),), Failure.SETTINGS),
    "400": Case((no(400),), Failure.BAD_REQUEST),
    "422": Case((no(422),), Failure.BAD_REQUEST),
    "413": Case((no(413),), Failure.BAD_REQUEST),
    "401": Case((no(401, refusal("invalid_api_key", f"Incorrect API key provided: {KEY}.")),), Failure.SETTINGS),
    "403": Case((no(403),), Failure.SETTINGS),
    "a redirect": Case((httpx.Response(302, headers={"location": "http://login.test/"}),), Failure.SETTINGS),
    "refusal": Case((ok(refusing()),), Failure.REFUSED, billed=1),
    "stopped by a filter": Case(
        (ok(responses(status="incomplete", incomplete_details={"reason": "content_filter"})),),
        Failure.REFUSED,
        billed=1,
    ),
    "truncated": Case((ok(truncated()),), Failure.TRUNCATED, billed=1),
    "incomplete without a reason": Case((ok(responses(status="incomplete")),), Failure.TRUNCATED, billed=1),
    "not JSON, twice": Case((ok(responses("I would retrain.")),), Failure.NOT_JSON, 2, billed=2),
    "not JSON, then good": Case((ok(responses("Sure! {")), GOOD_ANSWER), None, 2, billed=2),
    "two JSON objects": Case((ok(responses(answer_text() + answer_text())),), Failure.NOT_JSON, 2, billed=2),
    "prose around a fence": Case(
        (ok(responses(f"Here:\n```json\n{answer_text()}\n```")),), Failure.NOT_JSON, 2, billed=2
    ),
    "fenced JSON": Case((ok(responses(f"```json\n{answer_text()}\n```\n")),), None, billed=1),
    "empty text": Case((ok(responses("")),), Failure.EMPTY, billed=1),
    "blank text": Case((ok(responses(" \n\t")),), Failure.EMPTY, billed=1),
    "no message at all": Case((ok(responses(output=[])),), Failure.EMPTY, billed=1),
    "output is null": Case((ok(responses(output=None)),), Failure.EMPTY, billed=1),
    "empty body": Case((ok(""),), Failure.EMPTY, bound=1),
    "200 HTML": Case((httpx.Response(200, html=HTML),), Failure.FOREIGN, bound=1),
    "200 HTML that says it is JSON": Case((ok(HTML),), Failure.FOREIGN, bound=1),
    "a JSON list": Case((ok("[]"),), Failure.FOREIGN, bound=1),
    "a JSON number": Case((ok("0.9"),), Failure.FOREIGN, bound=1),
    "half a JSON body": Case((ok(json.dumps(responses())[:200]),), Failure.FOREIGN, bound=1),
    "another object": Case((ok({"success": True, "data": GOOD}),), Failure.FOREIGN, bound=1),
    "the proposal itself as the body": Case((ok(answer_text()),), Failure.FOREIGN, bound=1),
    "an error inside a 200": Case((ok(refusal("server_error")),), Failure.FOREIGN, bound=1),
    "still in progress": Case((ok(responses(status="in_progress")),), Failure.FOREIGN, billed=1),
    "failed inside a 200": Case(
        (ok(responses(status="failed", error={"code": "server_error", "message": "x"}, usage=None)),),
        Failure.SERVER,
        3,
        bound=3,
    ),
    "wrong content type": Case((ok(responses(), **{"content-type": "text/html"}),), Failure.FOREIGN, billed=1),
    "an event stream": Case(
        (ok("event: response.created\ndata: {}\n\n", **{"content-type": "text/event-stream"}),),
        Failure.FOREIGN,
        bound=1,
    ),
    "JSON with a charset": Case(
        (ok(responses(), **{"content-type": "application/json; charset=utf-8"}),), None, billed=1
    ),
    "bytes that are no text": Case((httpx.Response(200, content=b"\xff\xfe\x00"),), Failure.FOREIGN, bound=1),
    "nested without end": Case((ok("[" * 100_000),), Failure.FOREIGN, bound=1),
    "an answer nested without end": Case((ok(responses("[" * 100_000)),), Failure.NOT_JSON, 2, billed=2),
    "no usage": Case((ok(responses(usage=None)),), None, bound=1),
    "usage that cannot be true": Case((ok(responses(usage={"input_tokens": -1, "output_tokens": 5})),), None, bound=1),
    "usage as text": Case((ok(responses(usage={"input_tokens": "9", "output_tokens": 5})),), None, bound=1),
    "refused connection": Case((httpx.ConnectError("refused"),), Failure.UNREACHABLE, 3),
    "no connection in time": Case((httpx.ConnectTimeout("slow"),), Failure.UNREACHABLE, 3),
    "refused, then good": Case((httpx.ConnectError("refused"), GOOD_ANSWER), None, 2, billed=1),
    "reset half-way": Case((httpx.ReadError("reset"),), Failure.LOST, 3, bound=3),
    "reset, then good": Case((httpx.ReadError("reset"), GOOD_ANSWER), None, 2, billed=1, bound=1),
    "no answer in time": Case((httpx.ReadTimeout("stalled"),), Failure.STALLED, 2, bound=2),
    "stalled, then good": Case((httpx.ReadTimeout("stalled"), GOOD_ANSWER), None, 2, billed=1, bound=1),
    "no HTTP": Case((httpx.RemoteProtocolError("illegal status line"),), Failure.SETTINGS),
    "500, then not JSON, then good": Case((no(500), ok(responses("hm")), GOOD_ANSWER), None, 3, billed=2),
    "not JSON, 500, not JSON": Case((ok(responses("hm")), no(500), ok(responses("hm"))), Failure.NOT_JSON, 3, billed=2),
}


@pytest.mark.parametrize("row", list(MATRIX))
async def test_each_answer_counts_as_the_sheet_says_and_is_billed(
    row: str, tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    case = MATRIX[row]
    told = await one_vote(tmp_path, respx_mock, *case.answers)
    vote = told.vote
    assert (vote.failure, told.requests, len(vote.tries)) == (case.failure, case.tries, case.tries), vote.problem
    assert (vote.proposal is None) is (case.failure is not None)
    assert bool(vote.problem) is (case.failure is not None)
    costs = [one.cost for one in vote.tries]
    assert sum(cost.usd for cost in costs) == case.billed * USED + case.bound * told.most
    assert [cost.estimated for cost in costs].count(True) == case.bound
    assert [point.key for point in told.kept] == [point.key for point in told.raw] == [one.key for one in vote.tries]
    assert KEY not in str([*told.kept, *told.raw, vote])


CONFIDENCES: dict[str, tuple[object, Decimal | None]] = {
    "0.70": (0.70, Decimal("0.7")),
    "0.7000001": (0.7000001, Decimal("0.7000001")),
    "0": (0, Decimal(0)),
    "1": (1, Decimal(1)),
    "text": ("0.95", None),
    "70": (70, None),
    "-0.1": (-0.1, None),
    "1.7": (1.7, None),
    "1.0000001": (1.0000001, None),
    "NaN": (float("nan"), None),
    "Infinity": (float("inf"), None),
    "null": (None, None),
    "true": (True, None),
    "list": ([0.9], None),
    "missing": (..., None),
}


@pytest.mark.parametrize("name", list(CONFIDENCES))
@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_a_confidence_is_a_number_from_0_to_1_or_no_vote(
    name: str, api: str, tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    written, expected = CONFIDENCES[name]
    text = answer_text(confidence=written)
    told = await one_vote(tmp_path, respx_mock, ok(responses(text) if api == "responses" else chat(text)), api=api)
    assert told.requests == 1
    assert told.vote.tries[0].cost.usd == USED
    if expected is None:
        assert (told.vote.proposal, told.vote.failure) == (None, Failure.SCHEMA)
    else:
        assert told.vote.proposal is not None
        assert told.vote.proposal.confidence == expected
        assert (told.vote.proposal.confidence > Decimal("0.7")) is (name in {"0.7000001", "1"})


CHAT = {
    "good": (chat(), None, 1, 1),
    "refusal": (chat("", refusal="I cannot."), Failure.REFUSED, 1, 1),
    "cut at its cap": (chat('{"recom', finish="length"), Failure.TRUNCATED, 1, 1),
    "stopped by a filter": (chat("", finish="content_filter"), Failure.REFUSED, 1, 1),
    "content is null": (chat(content=None), Failure.EMPTY, 1, 1),
    "content is a list": (chat(content=[{"type": "text"}]), Failure.SCHEMA, 1, 1),
    "no choices": (chat() | {"choices": []}, Failure.FOREIGN, 1, 1),
    "choices are null": (chat() | {"choices": None}, Failure.FOREIGN, 1, 1),
    "two choices": (chat() | {"choices": chat()["choices"] * 2}, Failure.SCHEMA, 1, 1),
    "no message": (chat() | {"choices": [{"index": 0}]}, Failure.FOREIGN, 1, 1),
    "not JSON": (chat("hm"), Failure.NOT_JSON, 2, 2),
    "no usage": (chat(usage=None), None, 1, 0),
    "an answer of the other API": (responses(), Failure.FOREIGN, 1, 1),
}


@pytest.mark.parametrize("row", list(CHAT))
async def test_the_chat_api_is_held_to_the_same(row: str, tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    body, failure, tries, billed = CHAT[row]
    told = await one_vote(tmp_path, respx_mock, ok(body), api="chat")
    assert (told.vote.failure, told.requests) == (failure, tries)
    assert sum(one.cost.usd for one in told.vote.tries) == (billed * USED if billed else told.most)


async def test_an_answer_of_the_other_api_is_no_vote(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    told = await one_vote(tmp_path, respx_mock, ok(chat()))
    assert told.vote.failure is Failure.FOREIGN


async def test_a_long_retry_after_is_handed_on_so_that_the_run_can_be_rescheduled(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    told = await one_vote(tmp_path, respx_mock, no(429, retry_after="200"))
    assert told.vote.retry_after == timedelta(seconds=200)


async def test_retry_after_in_milliseconds_is_understood(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    told = await one_vote(tmp_path, respx_mock, no(429, retry_after_ms="150000"))
    assert told.vote.retry_after == timedelta(seconds=150)


async def test_what_is_sent_is_the_prompt_the_strict_schema_and_no_leave_to_keep_it(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    await one_vote(tmp_path, respx_mock, GOOD_ANSWER, TRADEOPS_LLM_EFFORT="low")
    request = respx_mock.calls.last.request
    body = json.loads(request.content)
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["accept-encoding"] == "identity"
    assert (body["model"], body["store"], body["max_output_tokens"]) == ("gpt-6-luna", False, 4000)
    assert (body["instructions"], body["input"]) == (prompt().instructions, prompt().text)
    assert body["reasoning"] == {"effort": "low"}
    assert (body["text"]["format"]["type"], body["text"]["format"]["strict"]) == ("json_schema", True)
    assert body["text"]["format"]["schema"]["additionalProperties"] is False
    assert "temperature" not in body
    assert KEY not in request.content.decode()


async def test_the_chat_api_is_sent_the_same(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    await one_vote(tmp_path, respx_mock, ok(chat()), api="chat")
    body = json.loads(respx_mock.calls.last.request.content)
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert (body["store"], body["max_completion_tokens"]) == (False, 4000)
    assert body["response_format"]["json_schema"]["strict"] is True
    assert "reasoning_effort" not in body


async def test_a_try_is_kept_with_all_that_an_auditor_needs(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    told = await one_vote(tmp_path, respx_mock, GOOD_ANSWER)
    body = told.kept[0].body
    assert told.kept[0].timestamp.date() == NOW.date()
    assert (
        body.items()
        >= {
            "cost_usd": COST_OF_USAGE,
            "estimated": False,
            "analysis": "2026-11-25",
            "model": "gpt-6-luna",
            "run_id": "run",
            "vote": 1,
            "price_version": "2026-11-25",
            "status": 200,
            "failure": None,
        }.items()
    )
    assert (body["model_answered"], body["response_id"]) == ("gpt-6-luna-2026-09-22", "resp_1")
    assert (body["cached_tokens"], body["cache_write_tokens"], body["reasoning_tokens"]) == (300, 200, 320)
    assert json.loads(str(told.raw[0].body["body"])) == responses()
    assert told.vote.tries[0].body_sha256 == told.raw[0].body["sha256"]


async def test_an_answer_that_repeats_the_key_is_kept_without_it(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    told = await one_vote(tmp_path, respx_mock, ok(responses(answer_text(reasoning=f"key {KEY}"))))
    assert told.vote.proposal is not None
    assert told.vote.proposal.reasoning == "key ***"
    assert KEY not in str(told)


async def three(opened: Desk, votes: int | None = None) -> Round:
    return await ask_votes(opened, prompt(), analysis="2026-11-25", run_id="run", votes=votes, now=NOW)


async def test_three_votes_are_asked_and_each_has_its_own_tries(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    wait = ok(responses(answer_text(recommendation="wait")))
    respx_mock.post(f"{LLM}/responses").mock(side_effect=[GOOD_ANSWER, wait, ok(truncated())])
    async with desk(tmp_path) as opened:
        told = await three(opened)
        assert len({point.key for point in await points(opened, "llm_calls")}) == 3
    assert [vote.number for vote in told.votes] == [1, 2, 3]
    assert sorted(one.recommendation for one in told.proposals) == [Recommendation.RETRAIN, Recommendation.WAIT]
    assert told.failures == (Failure.TRUNCATED,)
    assert (told.failing, told.critical, told.retry_after) == (False, (), None)
    assert told.cost.usd == 3 * USED
    assert told.price_version == "2026-11-25"
    assert told.parameters["max_output_tokens"] == 4000


async def test_a_service_that_fails_every_vote_is_told_from_answers_that_are_bad(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    async with desk(tmp_path) as opened:
        route = respx_mock.post(f"{LLM}/responses").mock(return_value=QUOTA)
        quota = await three(opened)
        route.mock(return_value=ok(refusing()))
        refused = await three(opened)
    assert (quota.failing, quota.critical) == (True, (Failure.QUOTA,))
    assert (refused.failing, refused.critical) == (False, ())


async def test_a_repeated_run_is_kept_and_billed_again(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    respx_mock.post(f"{LLM}/responses").mock(return_value=GOOD_ANSWER)
    async with desk(tmp_path) as opened:
        for _ in range(2):
            await three(opened)
        assert (await llm_budget.read(opened, now=NOW)).day_usd == 6 * USED


async def test_a_model_without_a_price_is_not_asked(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    async with desk(tmp_path, OPENAI_MODEL="mystery-9") as opened:
        told = await three(opened)
    assert told.failures == (Failure.NO_BUDGET,)
    assert told.votes[0].problem == "the model mystery-9 has no price, so it is not asked"
    assert not respx_mock.calls
    assert not told.tries


async def test_a_model_without_a_price_counts_at_the_configured_maximum(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    respx_mock.post(f"{LLM}/responses").mock(return_value=GOOD_ANSWER)
    maximum = {"TRADEOPS_LLM_UNKNOWN_MODEL_USD_PER_MILLION": "20", "TRADEOPS_LLM_ANALYSIS_LIMIT_USD": "1"}
    async with desk(tmp_path, OPENAI_MODEL="mystery-9", **maximum) as opened:
        told = await three(opened, votes=1)
    assert told.cost.usd == Decimal(1800) * 20 / 1_000_000


async def test_votes_that_an_analysis_cannot_pay_for_are_not_asked_at_all(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    async with desk(tmp_path, TRADEOPS_LLM_ANALYSIS_LIMIT_USD="0.005") as opened:
        assert 2 * votes_most(opened) < Decimal("0.005") < 3 * votes_most(opened)
        told = await three(opened)
    assert not respx_mock.calls
    assert told.failures == (Failure.NO_BUDGET,)
    assert [vote.tries for vote in told.votes] == [(), (), ()]
    assert told.votes[0].problem == (
        "3 votes of gpt-6-luna may cost $0.01, above $0.005 (TRADEOPS_LLM_ANALYSIS_LIMIT_USD)"
    )
    assert (told.failing, told.cost.usd) == (False, 0)


async def test_at_the_limit_of_the_day_the_call_is_not_sent(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    async with desk(tmp_path, TRADEOPS_LLM_DAILY_LIMIT_USD="0.002") as opened:
        told = await three(opened)
    assert not respx_mock.calls
    assert told.failures == (Failure.NO_BUDGET,)
    assert told.votes[0].problem == "today took $0.00 of $0.002, and this call may cost $0.0021"


async def test_a_repeat_that_the_budget_forbids_leaves_the_first_failure(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    told = await one_vote(
        tmp_path, respx_mock, ok(responses("hm", usage=None)), TRADEOPS_LLM_ANALYSIS_LIMIT_USD="0.003"
    )
    assert (told.vote.failure, told.requests) == (Failure.NOT_JSON, 1)
    assert "not asked again: this analysis took" in told.vote.problem


async def test_without_the_ledger_nothing_is_asked(
    tmp_path: Path, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: object, **__: object) -> None:
        raise UnavailableError("store", "gone")

    async with desk(tmp_path) as opened:
        monkeypatch.setattr(type(opened.store), "get", down)
        with pytest.raises(UnavailableError, match="gone"):
            await three(opened)
    assert not respx_mock.calls


async def test_a_ledger_that_cannot_be_true_stops_the_calls(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    async with desk(tmp_path) as opened:
        await opened.store.put("llm_budget", "ledger", {"open": "x"}, expected_version=None)
        told = await three(opened)
    assert told.failures == (Failure.NO_BUDGET,)
    assert "cannot be read" in told.votes[0].problem
    assert not respx_mock.calls


async def test_a_cost_that_cannot_be_kept_stays_reserved_at_its_upper_bound(
    tmp_path: Path, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def down(*_: object, **__: object) -> None:
        raise UnavailableError("store", "gone")

    respx_mock.post(f"{LLM}/responses").mock(return_value=GOOD_ANSWER)
    async with desk(tmp_path) as opened:
        with monkeypatch.context() as broken:
            broken.setattr(type(opened.store), "add_point", down)
            told = await three(opened, votes=1)
        state = await llm_budget.read(opened, now=NOW)
        assert state.open_usd == votes_most(opened)
    assert len(told.proposals) == 1
    assert "counts at its upper bound" in caplog.text


async def test_without_a_key_nothing_is_asked(tmp_path: Path) -> None:
    async with desk(tmp_path, OPENAI_API_KEY=None) as opened:
        with pytest.raises(MisconfiguredError, match="OPENAI_API_KEY"):
            await three(opened)


def listing(**ends: str | None) -> httpx.Response:
    return httpx.Response(200, json={"data": [{"id": name, "shutdown_date": end} for name, end in ends.items()]})


@pytest.mark.parametrize(
    ("model", "listed", "announced"),
    [
        pytest.param(
            "gpt-4o-mini", listing(x=None), "; its end was announced for 2027-01-14", id="by the prices, not listed"
        ),
        pytest.param(
            "gpt-4o-mini", httpx.Response(500), "; its end was announced for 2027-01-14", id="by the prices, no list"
        ),
        pytest.param(
            "gpt-4o-mini",
            listing(**{"gpt-4o-mini": "2026-12-01"}),
            "; its end was announced for 2026-12-01",
            id="by the list, which goes before the prices",
        ),
        pytest.param(
            MODEL, listing(**{MODEL: "2026-11-20"}), "; its end was announced for 2026-11-20", id="by the list alone"
        ),
        pytest.param(MODEL, listing(**{MODEL: None}), "", id="not announced"),
    ],
)
async def test_a_model_that_is_gone_is_told_with_the_day_that_was_announced(
    tmp_path: Path, respx_mock: respx.MockRouter, model: str, listed: httpx.Response, announced: str
) -> None:
    gone = no(404, refusal("model_not_found", "The model does not exist."))
    told = await one_vote(tmp_path, respx_mock, gone, listed=listed, OPENAI_MODEL=model)
    words = f"HTTP 404: The model does not exist.{announced}"
    assert (told.vote.failure, told.vote.problem) == (Failure.MODEL_GONE, words)


MANY = {"input_tokens": 100_000, "output_tokens": 4000}
MAXIMUM = {"TRADEOPS_LLM_UNKNOWN_MODEL_USD_PER_MILLION": "20"}
RESERVED = "reserved"
TERRA, OF_TERRA = "gpt-6.1-terra", "0.003565"  # 800 × 1 + 300 × 0.05 + 200 × 1.25 + 500 × 5, in millionths


@pytest.mark.parametrize(
    ("answered", "usage", "settings", "usd", "estimated"),
    [
        pytest.param(TERRA, USAGE, {}, OF_TERRA, False, id="a dearer one"),
        pytest.param(f"{TERRA}-2026-10-30", USAGE, {}, OF_TERRA, False, id="a snapshot of a dearer one"),
        pytest.param(TERRA, USAGE, MAXIMUM, OF_TERRA, False, id="a listed one, with a maximum for others"),
        pytest.param(f"{MODEL}-2099-01-01", USAGE, {}, COST_OF_USAGE, False, id="a snapshot of the one that was asked"),
        pytest.param(f"{MODEL}-2099-01-01", USAGE, MAXIMUM, COST_OF_USAGE, False, id="such a one, with a maximum"),
        pytest.param(None, USAGE, {}, COST_OF_USAGE, False, id="one that does not say its name"),
        pytest.param("mystery-9", USAGE, {}, RESERVED, True, id="one without a price"),
        pytest.param("mystery-9", MANY, {}, "0.012", True, id="one without a price, more than was reserved"),
        pytest.param(f"{MODEL}-pro", USAGE, {}, RESERVED, True, id="a namesake without a price"),
        pytest.param("mystery-9", USAGE, MAXIMUM, "0.036", False, id="one without a price, at the maximum"),
        pytest.param("mystery-9", None, {}, RESERVED, True, id="one without a price and without usage"),
    ],
)
async def test_another_model_that_answers_costs_no_less_than_it_may(
    tmp_path: Path,
    respx_mock: respx.MockRouter,
    answered: str | None,
    usage: object,
    settings: dict[str, str],
    usd: str,
    estimated: bool,
) -> None:
    told = await one_vote(tmp_path, respx_mock, ok(responses(model=answered, usage=usage)), **settings)
    [one] = told.vote.tries
    assert one.cost == Cost(told.most if usd is RESERVED else Decimal(usd), estimated=estimated)
    assert (one.model, told.kept[0].body["estimated"]) == (answered, estimated)


async def test_a_dearer_model_that_does_not_count_its_tokens_costs_its_own_upper_bound(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    told = await one_vote(tmp_path, respx_mock, ok(responses(model=TERRA, usage=None)))
    assert told.vote.tries[0].cost == Cost(10 * told.most, estimated=True)  # each of its prices is ten times as high


async def test_ten_runs_at_once_send_no_call_that_the_day_cannot_pay_for(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    in_flight, most_in_flight = 0, 0

    async def slowly(_: httpx.Request) -> httpx.Response:
        nonlocal in_flight, most_in_flight
        in_flight += 1
        most_in_flight = max(most_in_flight, in_flight)
        await asyncio.sleep(0.05)
        in_flight -= 1
        return ok(responses())

    respx_mock.post(f"{LLM}/responses").mock(side_effect=slowly)
    limits = {"TRADEOPS_LLM_DAILY_LIMIT_USD": "0.012", "TRADEOPS_LLM_ANALYSES_PER_HOUR": "50"}
    async with desk(tmp_path, **limits) as opened:
        runs = [
            ask_votes(opened, prompt(), analysis=f"a{number}", run_id=f"r{number}", votes=3, now=NOW)
            for number in range(10)
        ]
        told = await asyncio.gather(*runs)
        state = await llm_budget.read(opened, now=NOW)
        room = int(Decimal("0.012") / votes_most(opened))
    answered = sum(len(round_.proposals) for round_ in told)
    assert most_in_flight <= room
    assert answered == respx_mock.calls.call_count < 30
    assert state.day_usd == answered * USED <= Decimal("0.012")
    assert {failure for round_ in told for failure in round_.failures} == {Failure.NO_BUDGET}
