"""Each answer of a language model through the whole chain: exactly the right ones start a retrain, and each is paid."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
import respx

from tests.unit.jobs.analysis_ground import Starts, analyse, bills, keep_week
from tests.unit.jobs.llm_wire import LLM, answer_text, desk, refusal, refusing, responses, truncated
from tradeops.domain.decisions.decision import Kind
from tradeops.domain.health import Severity
from tradeops.jobs import audit
from tradeops.jobs.decision import decisions, llm_budget, votes


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(votes, "PACE", votes.Pace(pauses=(timedelta(0), timedelta(0))))


def ok(text: str) -> httpx.Response:
    return httpx.Response(200, json=responses(text))


def said(**changed: object) -> httpx.Response:
    return ok(answer_text(**changed))


def raw(body: str, kind: str = "application/json") -> httpx.Response:
    return httpx.Response(200, content=body, headers={"content-type": kind})


def no(status: int, body: object = None, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json=body or refusal(None), headers=named)


STARTS = {
    "0.83": said(),
    "0.7000001": said(confidence=0.7000001),
    "0.71": said(confidence=0.71),
    "1": said(confidence=1),
    "1.0": ok(answer_text().replace("0.83", "1.0")),
    "by a hair": ok(answer_text().replace("0.83", "0.70000000000000000001")),
    "urgency low": said(urgency="low"),
    "no actions": said(suggested_actions=[]),
    "an exponent": ok(answer_text().replace("0.83", "8.3e-1")),
    "a fence around the whole": ok(f"```json\n{answer_text()}\n```"),
    "spaces around": ok(f"\n  {answer_text()}\n"),
    "without usage": httpx.Response(200, json=responses(usage=None)),
}
WAITS = {
    "0.70": ok(answer_text().replace("0.83", "0.70")),
    "0.7": said(confidence=0.7),
    "0.6999999": said(confidence=0.6999999),
    "0": said(confidence=0),
    "wait 0.99": said(recommendation="wait", confidence=0.99),
    "optimize 0.99": said(recommendation="optimize_parameters", confidence=0.99),
    "text 0.95": said(confidence="0.95"),
    "70": said(confidence=70),
    "1.7": said(confidence=1.7),
    "1.0000001": said(confidence=1.0000001),
    "-0.1": said(confidence=-0.1),
    "-0.83": said(confidence=-0.83),
    "NaN": ok(answer_text().replace("0.83", "NaN")),
    "Infinity": ok(answer_text().replace("0.83", "Infinity")),
    "null": said(confidence=None),
    "true": said(confidence=True),
    "a list": said(confidence=[0.9]),
    "no confidence": said(confidence=...),
    "1e400": ok(answer_text().replace("0.83", "1e400")),
    "RETRAIN": said(recommendation="RETRAIN"),
    "Retrain": said(recommendation="Retrain"),
    "retrain with a space": said(recommendation="retrain "),
    "unknown recommendation": said(recommendation="retrain_now"),
    "no recommendation": said(recommendation=...),
    "two recommendations": said(recommendation=["retrain"]),
    "recommendation twice": ok('{"recommendation":"wait",' + answer_text()[1:]),
    "extra key": said(override_rules=True),
    "unknown urgency": said(urgency="extreme"),
    "no reasoning": said(reasoning=...),
    "a number as reasoning": said(reasoning=5),
    "actions as text": said(suggested_actions="retrain"),
    "two objects": ok(f"{answer_text()}{answer_text()}"),
    "words before": ok(f"Here you are: {answer_text()}"),
    "words after": ok(f"{answer_text()} I hope this helps."),
    "two fences": ok(f"```json\n{answer_text()}\n```\n```json\n{answer_text()}\n```"),
    "a list around": ok(f"[{answer_text()}]"),
    "a text around": ok(json.dumps(answer_text())),
    "half of it": ok(answer_text()[:60]),
    "single quotes": ok(answer_text().replace('"', "'")),
    "empty": ok(""),
    "blanks": ok("   \n"),
    "a refusal": httpx.Response(200, json=refusing()),
    "truncated": httpx.Response(200, json=truncated()),
    "HTML": raw("<html>hello</html>", "text/html"),
    "HTML called JSON": raw("<html>hello</html>"),
    "JSON called HTML": raw(json.dumps(responses()), "text/html"),
    "no answer in it": raw('{"id":"x"}'),
    "an empty body": raw(""),
    "null in JSON": raw("null"),
}
FAILS = {
    "500": no(500),
    "503": no(503),
    "400": no(400),
    "401": no(401),
    "403": no(403),
    "404 model": no(404, refusal("model_not_found", "The model does not exist.", "invalid_request_error")),
    "410": no(410),
    "429 quota": no(429, refusal("insufficient_quota", "You exceeded your quota.", "insufficient_quota")),
    "429 for an hour": no(429, retry_after="3600"),
    "a redirect": httpx.Response(302, headers={"location": "http://elsewhere.test/"}),
    "refused": httpx.ConnectError("refused"),
}
PERHAPS_BILLED = {
    "502": no(502),
    "504": no(504),
    "20 MB": raw('{"a":"' + "x" * 20_000_000 + '"}'),
    "reset": httpx.ReadError("reset"),
    "a stall": httpx.ReadTimeout("slow"),
}
CASES = [
    *((name, answer, True, Kind.DECIDED, False) for name, answer in STARTS.items()),
    *((name, answer, False, Kind.DECIDED, False) for name, answer in WAITS.items()),
    *((name, answer, False, Kind.UNANSWERED, True) for name, answer in FAILS.items()),
    *((name, answer, False, Kind.DECIDED, True) for name, answer in PERHAPS_BILLED.items()),
]


@pytest.mark.parametrize(
    ("answer", "starts", "kind", "failing"), [pytest.param(*case, id=name) for name, *case in CASES]
)
async def test_an_answer_of_a_language_model_decides_and_is_paid_once(
    tmp_path: Path,
    answer: httpx.Response | Exception,
    starts: bool,
    kind: Kind,
    failing: bool,
) -> None:
    asked = Starts()
    with respx.mock(assert_all_called=False) as wire:
        side_effect = answer if isinstance(answer, Exception) else None
        route = wire.post(f"{LLM}/responses")
        route.mock(side_effect=side_effect) if side_effect else route.mock(return_value=answer)  # type: ignore[arg-type]
        wire.get(f"{LLM}/models").respond(200, json={"data": []})
        async with desk(tmp_path, TRADEOPS_LLM_VOTES=1) as opened:
            await keep_week(opened)
            analysis = await analyse(opened, start=asked)
            billed = await llm_budget.read(opened)
            again = await analyse(opened, run_id="run-2", start=asked)
            now = datetime.now(UTC)
            span = {"since": now - timedelta(days=1), "until": now + timedelta(days=1)}
            paid = await opened.store.points("llm_calls", **span)
            trail = [record.what for record in (await audit.records(opened.store))[0]]
            kept = await decisions.everything(opened.store)
    assert (analysis.kind, analysis.retrain_started, len(asked.asked)) == (kind, starts, int(starts))
    assert len(paid) == route.call_count >= 1
    assert trail == ["asked", kind.value, *(["started"] if starts else [])]
    assert len(kept) == (1 if kind is Kind.DECIDED else 0)
    assert bool(analysis.trouble) is failing
    assert (analysis.severity is Severity.DEGRADED) is failing
    assert again.kind is (Kind.STORED if kept else Kind.SKIPPED)
    assert billed.month_usd == sum(Decimal(str(point.body["cost_usd"])) for point in paid)
    assert (billed.month_usd == 0) is (kind is Kind.UNANSWERED)
    if kept:
        assert decisions.replayed(kept[0]) == kept[0].verdict


async def test_a_model_without_a_price_is_not_asked_and_is_told(tmp_path: Path) -> None:
    async with desk(tmp_path, OPENAI_MODEL="unheard-of") as opened:
        await keep_week(opened)
        analysis = await analyse(opened)
    assert analysis.kind is Kind.UNANSWERED
    assert "has no price" in analysis.trouble[0]


RETRAIN, WAIT = said(confidence=0.9), said(recommendation="wait", confidence=0.95)
OPTIMIZE = said(recommendation="optimize_parameters", confidence=0.9)
ROUNDS = {
    "all for it": ([RETRAIN] * 3, "0.9", True),
    "two to one": ([RETRAIN, WAIT, RETRAIN], "0.9", True),
    "one to two": ([WAIT, RETRAIN, WAIT], "0.95", False),
    "each another": ([RETRAIN, WAIT, OPTIMIZE], "0.95", False),
    "0.9 and 0.65 for it, 0.95 against": ([RETRAIN, said(confidence=0.65), WAIT], "0.775", True),
    "0.7 and 0.7000001 for it": ([said(confidence=0.7), said(confidence=0.7000001), WAIT], "0.70000005", True),
    "0.75 and 0.65 for it": ([said(confidence=0.75), said(confidence=0.65), WAIT], "0.70", False),
    "one missing": ([RETRAIN, said(confidence=0.65), no(400)], "0.775", True),
    "two missing": ([RETRAIN, no(400), no(400)], None, False),
    "one invalid": ([RETRAIN, RETRAIN, said(confidence="0.95")], "0.9", True),
    "two invalid": ([RETRAIN, said(confidence=1.7), raw("<html>", "text/html")], None, False),
    "a majority for parameters": ([OPTIMIZE, OPTIMIZE, RETRAIN], "0.9", False),
    "429 then good": ([no(429, retry_after="0"), RETRAIN, RETRAIN, RETRAIN], "0.9", True),
    "503 then good": ([no(503, retry_after="0"), RETRAIN, RETRAIN, RETRAIN], "0.9", True),
    "no JSON then good": ([ok("Hello."), RETRAIN, WAIT, RETRAIN], "0.9", True),
}


@pytest.mark.parametrize(
    ("answers", "confidence", "starts"), [pytest.param(*case, id=name) for name, case in ROUNDS.items()]
)
async def test_three_votes_decide_by_their_majority_and_median(
    tmp_path: Path, answers: list[httpx.Response], confidence: str | None, starts: bool
) -> None:
    asked = Starts()
    with respx.mock() as wire:
        route = wire.post(f"{LLM}/responses").mock(side_effect=answers)
        async with desk(tmp_path) as opened:
            await keep_week(opened)
            analysis = await analyse(opened, start=asked)
            assert await bills(opened) == route.call_count == len(answers)
    assert analysis.decision
    verdict = analysis.decision.verdict
    assert (None if verdict.confidence is None else str(verdict.confidence)) == confidence
    assert (analysis.retrain_started, len(asked.asked), analysis.trouble) == (starts, int(starts), ())
    assert decisions.replayed(analysis.decision) == verdict
