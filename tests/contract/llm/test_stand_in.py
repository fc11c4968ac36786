"""Our call and the sandbox's endpoint understand each other, in both dialects."""

from datetime import timedelta

import httpx
import pytest

from sandbox.llm import Llm
from tests.unit.jobs.llm_wire import KEY
from tradeops.adapters.llm.arguments import Request
from tradeops.adapters.llm.calls import LlmCalls
from tradeops.domain.llm import Api, Exchange, Failure, Judged, PromptTemplate, Recommendation, judge, render
from tradeops.jobs.decision.prompts import load_prompt

BAD_WEEK = {"analysis": {"win_rate": 41.0, "avg_profit_per_trade": -0.5, "sharpe_ratio": 0.2, "trades": 40}}
GOOD_WEEK = {"analysis": {"win_rate": 61.0, "avg_profit_per_trade": 2.0, "sharpe_ratio": 1.4, "trades": 40}}


async def asked(
    api: Api, week: dict[str, dict[str, float]], *, cap: int = 4000, **changed: str
) -> tuple[Exchange, Judged]:
    prompt = render(load_prompt(), week)
    transport = httpx.ASGITransport(Llm(KEY).build_app())
    request = Request(changed.get("model", "gpt-6-luna"), api, prompt.instructions, prompt.text, cap)
    async with httpx.AsyncClient(transport=transport) as client:
        calls = LlmCalls(
            client, base_url="http://llm.test/v1", key=changed.get("key", KEY), connect=timedelta(seconds=2)
        )
        exchange = await calls.ask(request, within=timedelta(seconds=20))
    return exchange, judge(exchange, api)


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_a_bad_week_is_a_vote_for_a_retrain_and_a_good_one_is_not(api: Api) -> None:
    _, bad = await asked(api, BAD_WEEK)
    _, good = await asked(api, GOOD_WEEK)
    assert bad.proposal is not None
    assert good.proposal is not None
    assert bad.proposal.recommendation is Recommendation.RETRAIN
    assert bad.proposal.confidence > 0.7
    assert good.proposal.recommendation is Recommendation.WAIT
    assert bad.usage is not None
    assert bad.usage.input_tokens > bad.usage.output_tokens > 0


@pytest.mark.parametrize("api", ["responses", "chat"])
@pytest.mark.parametrize(
    ("changed", "cap", "failure"),
    [
        pytest.param({"key": "sk-of-somebody-else"}, 4000, Failure.SETTINGS, id="a wrong key"),
        pytest.param({"model": "gpt-4"}, 4000, Failure.MODEL_GONE, id="a retired model"),
        pytest.param({}, 5, Failure.TRUNCATED, id="a cap that is too low"),
    ],
)
async def test_what_it_refuses_is_understood(api: Api, changed: dict[str, str], cap: int, failure: Failure) -> None:
    exchange, judged = await asked(api, BAD_WEEK, cap=cap, **changed)
    assert judged.failure is failure, judged.problem
    assert KEY.encode() not in exchange.body


def test_nothing_in_the_prompt_but_the_evidence_is_read_as_a_figure() -> None:
    prompt = load_prompt()
    assert PromptTemplate.of("a\n---\n{{evidence}}", name="x", version=1).body == "{{evidence}}"
    assert "{" not in prompt.instructions
