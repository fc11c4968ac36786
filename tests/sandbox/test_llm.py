"""The endpoint speaks OpenAI's two dialects, guards its key, and its verdict follows from the figures."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sandbox.analyst import judge
from sandbox.llm import Llm

KEY = "sk-sandbox-test"
GOOD = {"win_rate": 61.0, "avg_profit_per_trade": 2.0, "sharpe_ratio": 1.4}
BAD = {"win_rate": 41.0, "avg_profit_per_trade": -0.5, "sharpe_ratio": 0.2}
ANSWER_KEYS = {
    "recommendation",
    "confidence",
    "reasoning",
    "urgency",
    "suggested_actions",
    "estimated_improvement",
}


@pytest.fixture
async def llm() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Llm(KEY).build_app())
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://llm/v1/", headers=headers) as client:
        yield client


async def test_it_lists_its_models(llm: httpx.AsyncClient) -> None:
    body = (await llm.get("models")).json()
    assert {"id", "object", "created", "owned_by", "shutdown_date"} == set(body["data"][0])
    ends = {model["id"]: model["shutdown_date"] for model in body["data"]}
    assert {"sandbox": None, "gpt-6-luna": None, "gpt-4o-mini": "2027-01-14"}.items() <= ends.items()


@pytest.mark.parametrize("header", ["", "Bearer wrong", f"Basic {KEY}", KEY], ids=["none", "wrong", "scheme", "bare"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "models"), ("POST", "responses"), ("POST", "chat/completions")], ids=lambda text: text
)
async def test_without_its_key_it_answers_401_in_openais_shape(
    llm: httpx.AsyncClient, header: str, method: str, path: str
) -> None:
    answer = await llm.request(method, path, headers={"authorization": header})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"
    assert KEY not in answer.text


@pytest.mark.parametrize(
    "prompt",
    [
        f"Figures: {json.dumps({'week': BAD})}. Decide.",
        [{"role": "user", "content": json.dumps(BAD)}],
        [{"role": "user", "content": [{"type": "input_text", "text": json.dumps(BAD)}]}],
    ],
    ids=["string", "messages", "parts"],
)
async def test_responses_answers_with_a_schema_true_verdict_and_its_usage(
    llm: httpx.AsyncClient, prompt: object
) -> None:
    request = {"model": "sandbox", "instructions": "Be brief.", "input": prompt}
    body = (await llm.post("responses", json=request)).json()
    text = body["output"][0]["content"][0]["text"]
    verdict = json.loads(text)
    assert set(verdict) == ANSWER_KEYS
    assert verdict["recommendation"] == "retrain"
    usage = body["usage"]
    assert usage["output_tokens"] == -(-len(text) // 4)
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0


async def test_chat_completions_answers_with_the_same_verdict(llm: httpx.AsyncClient) -> None:
    request = {"model": "sandbox", "messages": [{"role": "user", "content": json.dumps(GOOD)}]}
    body = (await llm.post("chat/completions", json=request)).json()
    assert json.loads(body["choices"][0]["message"]["content"]) == judge(json.dumps(GOOD))
    assert body["usage"]["prompt_tokens"] == -(-len(json.dumps(GOOD)) // 4)


async def test_two_answers_have_two_ids(llm: httpx.AsyncClient) -> None:
    request = {"model": "sandbox", "input": "x"}
    ids = {(await llm.post("responses", json=request)).json()["id"] for _ in range(2)}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("content", "status", "param"),
    [
        (b"{", 400, None),
        (b"[]", 400, None),
        (b'{"input": "x"}', 400, "model"),
        (b'{"model": "sandbox"}', 400, "input"),
        (b'{"model": "gpt-4", "input": "x"}', 404, "model"),
        (b'{"model": ["sandbox"], "input": "x"}', 404, "model"),
        (b'{"model": "sandbox", "input": "x", "stream": true}', 400, "stream"),
    ],
    ids=["no-json", "no-object", "no-model", "no-input", "retired", "model-type", "stream"],
)
async def test_a_bad_request_names_its_parameter(
    llm: httpx.AsyncClient, content: bytes, status: int, param: str | None
) -> None:
    answer = await llm.post("responses", content=content)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


async def test_an_unknown_route_is_an_error_in_openais_shape(llm: httpx.AsyncClient) -> None:
    answer = await llm.get("embeddings")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "invalid_request_error")


@pytest.mark.parametrize(
    ("figures", "recommendation", "urgency"),
    [
        (GOOD, "wait", "low"),
        ({"win_rate": 55.0, "avg_profit_per_trade": 1.5, "sharpe_ratio": 1.0}, "wait", "low"),
        ({**GOOD, "win_rate": 54.99}, "wait", "low"),
        ({"win_rate": 54.99}, "retrain", "low"),
        ({**BAD, "sharpe_ratio": 1.0}, "retrain", "medium"),
        (BAD, "retrain", "high"),
        ({"win_rate": None, "sharpe_ratio": True}, "wait", "low"),
        ({}, "wait", "low"),
    ],
    ids=["good", "at-the-limits", "one just below", "the only one just below", "two", "all", "no-numbers", "nothing"],
)
def test_the_verdict_follows_from_the_figures(figures: dict[str, Any], recommendation: str, urgency: str) -> None:
    verdict = judge(f"Noise {{ not json }} then {json.dumps({'days': [{'metrics': figures}]})}")
    assert (verdict["recommendation"], verdict["urgency"]) == (recommendation, urgency)
    assert 0 <= verdict["confidence"] <= 0.95


def test_more_and_worse_figures_make_it_surer() -> None:
    ladder = [{"win_rate": 54.0}, {"win_rate": 20.0}, {**BAD, "win_rate": 60.0}, BAD]
    sure = [judge(json.dumps(figures))["confidence"] for figures in ladder]
    assert sure == sorted(set(sure))
    assert sure[0] < 0.7 < sure[-1]


@pytest.mark.parametrize(
    ("more", "recommendation"),
    [
        pytest.param({"volatility_ratio": 2.0}, "retrain", id="a lively market"),
        pytest.param({"volatility_ratio": 2.01}, "wait", id="a wild market"),
        pytest.param({"models": [{"change": 0.03}, {"change": -0.01}]}, "retrain", id="models no better on average"),
        pytest.param({"models": [{"change": 0.03}, {"change": -0.008}]}, "wait", id="better models"),
        pytest.param({"models": [{"change": None}]}, "retrain", id="models of which nothing is known"),
        pytest.param({"earlier": [{"win_percent": w} for w in (20, 30, 40)]}, "wait", id="a recovery"),
        pytest.param({"earlier": [{"win_percent": w} for w in (20, 30, 42)]}, "retrain", id="a recovery that ended"),
        pytest.param({"earlier": [{"win_percent": w} for w in (30, 40)]}, "retrain", id="too short to be one"),
    ],
)
def test_what_explains_bad_figures_speaks_against_a_retrain(more: dict[str, Any], recommendation: str) -> None:
    assert judge(json.dumps({"analysis": BAD, **more}))["recommendation"] == recommendation


def test_a_prompt_without_figures_makes_it_unsure() -> None:
    assert judge("How are you?")["confidence"] < judge(json.dumps(GOOD))["confidence"]


SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "status"),
    [
        pytest.param({"name": "x", "strict": True, "schema": SCHEMA}, 200, id="closed and whole"),
        pytest.param({"name": "x", "schema": {"type": "object"}}, 200, id="not strict"),
        pytest.param({"name": "x", "strict": True, "schema": SCHEMA | {"required": []}}, 400, id="a field is optional"),
        pytest.param({"name": "x", "strict": True, "schema": SCHEMA | {"additionalProperties": True}}, 400, id="open"),
        pytest.param({"strict": True, "schema": SCHEMA}, 400, id="no name"),
        pytest.param({"name": "x", "strict": True}, 400, id="no schema"),
    ],
)
async def test_a_strict_schema_is_examined_as_the_real_endpoint_does(
    llm: httpx.AsyncClient, schema: dict[str, Any], status: int
) -> None:
    responses = {"model": "sandbox", "input": "x", "text": {"format": {"type": "json_schema", **schema}}}
    chat = {
        "model": "sandbox",
        "messages": [{"role": "user", "content": "x"}],
        "response_format": {"type": "json_schema", "json_schema": schema},
    }
    assert (await llm.post("responses", json=responses)).status_code == status
    assert (await llm.post("chat/completions", json=chat)).status_code == status


async def test_an_answer_longer_than_its_cap_is_cut_and_says_so(llm: httpx.AsyncClient) -> None:
    body = (await llm.post("responses", json={"model": "sandbox", "input": "x", "max_output_tokens": 5})).json()
    assert (body["status"], body["incomplete_details"]["reason"]) == ("incomplete", "max_output_tokens")
    assert body["usage"]["output_tokens"] == 5
    chat = {"model": "sandbox", "messages": [{"role": "user", "content": "x"}], "max_completion_tokens": 5}
    body = (await llm.post("chat/completions", json=chat)).json()
    assert body["choices"][0]["finish_reason"] == "length"
    assert len(body["choices"][0]["message"]["content"]) == 20
