"""No secret is in a record, a prompt, a log, a notice or the artifact, wherever a service repeats it."""

import json
import logging
from datetime import UTC
from pathlib import Path

import httpx
import pytest
import respx

from tests.unit.jobs.analysis_ground import analyse, decided, keep_week
from tests.unit.jobs.llm_wire import KEY, LLM, answer_text, desk, refusal, responses
from tradeops.domain.decisions.decision import Kind
from tradeops.jobs import audit
from tradeops.jobs.decision import decisions
from tradeops.rendering.decision import decision_page
from tradeops.rendering.decision_notices import decision_notices
from tradeops.rendering.text import to_text

PASSWORD = "planted-password"
OF_OURS = {
    "REDIS_URL": f"redis://user:{PASSWORD}@127.0.0.1:9/0",
    "SLACK_WEBHOOK_URL": f"http://127.0.0.1:9/{PASSWORD}",
    "TELEGRAM_BOT_TOKEN": f"0:{PASSWORD}",
    "TELEGRAM_CHAT_ID": "1",
}
HIDDEN = KEY.replace("-", "\\u002d")


def spoken(text: str) -> httpx.Response:
    return httpx.Response(200, json=responses(text, model=f"m-{KEY}", id=KEY))


ANSWERS = {
    "in the reasoning": spoken(answer_text(reasoning=f"Your key is {KEY}.", suggested_actions=[f"use {KEY}"])),
    "escaped in the reasoning": spoken(answer_text(reasoning="Your key is HERE.").replace("HERE", HIDDEN)),
    "escaped around it": httpx.Response(
        200, content=json.dumps(responses(answer_text(reasoning="Your key is HERE."))).replace("HERE", HIDDEN)
    ),
    "as a field": spoken(answer_text(**{KEY: 1})),
    "in the content type": httpx.Response(200, content=b"x", headers={"content-type": f"text/html; key={KEY}"}),
    "on a page": httpx.Response(200, content=f"<p>Bearer {KEY}</p>", headers={"content-type": "text/html"}),
    "in a refusal": httpx.Response(401, json=refusal("invalid_api_key", f"Incorrect API key provided: {KEY}")),
}


def contents(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.rglob("*") if file.is_file()]


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_a_secret_is_nowhere(tmp_path: Path, answer: httpx.Response, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="tradeops")
    with respx.mock(assert_all_called=False) as wire:
        route = wire.post(f"{LLM}/responses").mock(return_value=answer)
        async with desk(tmp_path, TRADEOPS_LLM_VOTES=1, **OF_OURS) as opened:
            await keep_week(opened)
            analysis = await analyse(opened)
            trail = (await audit.records(opened.store))[0]
            history = await opened.store.newest_point(decisions.HISTORY)
    page = decision_page(analysis, None, UTC, lambda run: run)
    told = [to_text(page), caplog.text, analysis.summary, repr(decision_notices(analysis, page, lambda run: run))]
    told += [repr(trail), repr(history), *(call.request.content.decode() for call in route.calls)]
    files = contents(tmp_path)
    for secret in (KEY, HIDDEN, PASSWORD):
        for text in told:
            assert secret.lower() not in text.lower()
        for content in files:
            assert secret.encode() not in content
    if analysis.kind is Kind.DECIDED:
        assert decisions.replayed(decided(analysis)) == decided(analysis).verdict
