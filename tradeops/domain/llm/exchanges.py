"""What one exchange with the language model's service came to: a proposal or a failure, its tokens, its cost.

The raw body is looked at, never a library's idea of it: a refused, truncated or malformed answer is billed too.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from tradeops.domain.llm.failures import Failure
from tradeops.domain.llm.prices import Cost, Price, Usage
from tradeops.domain.llm.proposals import Proposal, UnusableAnswerError, clipped, parse_proposal

Api = Literal["responses", "chat"]

NO_MONEY = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "budget_exceeded",
        "insufficient_credits",
        "insufficient_funds",
        "quota_exceeded",
        "spend_limit_exceeded",
        "spend_limit_reached",
        "spending_limit_reached",
    }
)
NO_MODEL = frozenset({"model_not_found", "model_deprecated", "model_not_available", "model_retired"})
PERHAPS_BILLED = frozenset({408, 499, 502, 504, *range(520, 528)})  # a gateway gave up; the model may have answered
MOST_WORDS = 200
MOST_TOKENS = 10**9


class Outcome(StrEnum):
    """How far an exchange got."""

    ANSWERED = "answered"
    NOT_SENT = "not_sent"
    MISDIRECTED = "misdirected"  # no valid address, no TLS, no HTTP: a matter of settings
    LOST = "lost"
    STALLED = "stalled"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back.

    Attributes:
        status: `None` without an answer.
        content_type: in lower case; empty when it was not said.
        retry_after: how long to wait, as the service says.
        body: as far as it came, at most the cap.
        problem: what went wrong beneath HTTP; empty for an answer.
    """

    outcome: Outcome
    elapsed: timedelta
    status: int | None = None
    content_type: str = ""
    retry_after: timedelta | None = None
    body: bytes = b""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """What an exchange came to.

    Attributes:
        proposal: `None` exactly when there is a failure.
        problem: the failure in words, one line.
        model: that answered, as the answer says.
    """

    proposal: Proposal | None = None
    failure: Failure | None = None
    problem: str = ""
    usage: Usage | None = None
    model: str | None = None
    response_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Text:
    """What an answer holds: a text, or why there is none."""

    text: str = ""
    failure: Failure | None = None
    problem: str = ""


BENEATH_HTTP = {
    Outcome.NOT_SENT: Failure.UNREACHABLE,
    Outcome.MISDIRECTED: Failure.SETTINGS,
    Outcome.LOST: Failure.LOST,
    Outcome.STALLED: Failure.STALLED,
    Outcome.TOO_LARGE: Failure.TOO_LARGE,
}


def judge(exchange: Exchange, api: Api) -> Judged:
    """The proposal in an answer, or why there is none; never raises."""
    if exchange.outcome is not Outcome.ANSWERED or exchange.status is None:
        return Judged(failure=BENEATH_HTTP.get(exchange.outcome, Failure.LOST), problem=exchange.problem)
    body = _parsed(exchange.body)
    if not 200 <= exchange.status < 300:  # noqa: PLR2004 - the class of success
        failure = _refused_by(exchange.status, body)
        return Judged(failure=failure, problem=f"HTTP {exchange.status}{_words(body)}")
    if not exchange.body.strip():
        return Judged(failure=Failure.EMPTY, problem="the body is empty")
    if body is None:
        return Judged(failure=Failure.FOREIGN, problem=_foreign(exchange))
    return _judge_body(body, exchange, api)


def cost_of(exchange: Exchange, usage: Usage | None, price: Price, *, at_most_usd: Decimal) -> Cost:
    """What an exchange is billed; where the service does not say, its upper bound, and never less for want of knowing.

    Args:
        exchange: what came back.
        usage: as `judge` found it.
        price: of the model.
        at_most_usd: what was reserved for it.
    """
    if usage is not None:
        return Cost(price.cost_usd(usage))
    if exchange.outcome in (Outcome.NOT_SENT, Outcome.MISDIRECTED):
        return Cost(Decimal(0))
    refused = exchange.status is not None and exchange.status >= 300  # noqa: PLR2004 - no success
    if exchange.outcome is Outcome.ANSWERED and refused and exchange.status not in PERHAPS_BILLED:
        return Cost(Decimal(0))
    return Cost(at_most_usd, estimated=True)


def usage_of(body: Mapping[str, Any]) -> Usage | None:
    """The tokens that an answer of either API counts; `None` when it counts none, or what cannot be true."""
    match body.get("usage"):
        case {"input_tokens": read, "output_tokens": written, **rest}:
            read_details, written_details = rest.get("input_tokens_details"), rest.get("output_tokens_details")
        case {"prompt_tokens": read, "completion_tokens": written, **rest}:
            read_details, written_details = rest.get("prompt_tokens_details"), rest.get("completion_tokens_details")
        case _:
            return None
    read, written = _count(read), _count(written)
    cached, cache_write = _detail(read_details, "cached_tokens"), _detail(read_details, "cache_write_tokens")
    reasoning = _detail(written_details, "reasoning_tokens")
    if read is None or written is None or cached is None or cache_write is None or reasoning is None:
        return None
    if cached + cache_write > read:
        return None
    total = _count(rest.get("total_tokens")) or 0  # some services count the reasoning in the total alone
    return Usage(read, cached, cache_write, max(written, total - read, reasoning), reasoning)


def _judge_body(body: Mapping[str, Any], exchange: Exchange, api: Api) -> Judged:
    facts = Judged(usage=usage_of(body), model=_name(body, "model"), response_id=_name(body, "id"))
    if exchange.content_type and "json" not in exchange.content_type:
        return replace(facts, failure=Failure.FOREIGN, problem=_foreign(exchange))
    found = (_responses_text if api == "responses" else _chat_text)(body)
    if found.failure:
        return replace(facts, failure=found.failure, problem=found.problem)
    try:
        return replace(facts, proposal=parse_proposal(found.text))
    except UnusableAnswerError as error:
        return replace(facts, failure=error.failure, problem=str(error))


def _foreign(exchange: Exchange) -> str:
    said = clipped(exchange.content_type.partition(";")[0], 60)
    return f"HTTP {exchange.status} with {said or 'something'} that is no answer of this API"


def _parsed(raw: bytes) -> Mapping[str, Any] | None:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _refused_by(status: int, body: Mapping[str, Any] | None) -> Failure:  # noqa: PLR0911 - one for each answer
    error = _error(body)
    codes = {error.get("code"), error.get("type")} - {None}
    codes = {code for code in codes if isinstance(code, str)}
    if status == 402 or (status in (400, 403, 429) and codes & NO_MONEY):  # noqa: PLR2004 - payment required
        return Failure.QUOTA
    if status in (400, 403, 404, 410) and codes & NO_MODEL:
        return Failure.MODEL_GONE
    match status:
        case 404 | 410 if "model" in str(error.get("message", "")).lower():
            return Failure.MODEL_GONE
        case 429:
            return Failure.RATE_LIMITED
        case 401 | 403 | 404 | 405 | 410:
            return Failure.SETTINGS
        case _ if status in (408, 409) or status >= 500:  # noqa: PLR2004 - the class of server errors
            return Failure.SERVER
        case _ if status >= 400:  # noqa: PLR2004 - the class of client errors
            return Failure.BAD_REQUEST
        case _:
            return Failure.SETTINGS


def _responses_text(body: Mapping[str, Any]) -> _Text:
    status, details = body.get("status"), body.get("incomplete_details")
    if status == "incomplete":
        reason = details.get("reason") if isinstance(details, Mapping) else None
        if reason == "content_filter":
            return _Text(failure=Failure.REFUSED, problem="the service's filter stopped the answer")
        return _Text(failure=Failure.TRUNCATED, problem="the answer ended at its token limit")
    if status == "failed":
        return _Text(failure=Failure.SERVER, problem=f"the service says that it failed{_words(body)}")
    if status != "completed":
        shown = clipped(str(status), 40)
        return _Text(failure=Failure.FOREIGN, problem=f"no finished answer of the Responses API (status {shown!r})")
    parts = [
        part
        for item in _list(body.get("output"))
        if item.get("type") == "message"
        for part in _list(item.get("content"))
    ]
    refusals = [str(part.get("refusal", "")) for part in parts if part.get("type") == "refusal"]
    if refusals:
        return _Text(failure=Failure.REFUSED, problem=f"refused: {clipped(refusals[0], MOST_WORDS)}")
    texts = [part.get("text") for part in parts if part.get("type") == "output_text"]
    return _Text("".join(text for text in texts if isinstance(text, str)))


def _chat_text(body: Mapping[str, Any]) -> _Text:  # noqa: PLR0911 - one for each answer
    choices = _list(body.get("choices"))
    message = choices[0].get("message") if choices else None
    if not isinstance(message, Mapping):
        return _Text(failure=Failure.FOREIGN, problem=f"no answer of the Chat API{_words(body)}")
    if len(choices) > 1:
        return _Text(failure=Failure.SCHEMA, problem=f"{len(choices)} answers at once")
    if refusal := message.get("refusal"):
        return _Text(failure=Failure.REFUSED, problem=f"refused: {clipped(str(refusal), MOST_WORDS)}")
    match choices[0].get("finish_reason"):
        case "length":
            return _Text(failure=Failure.TRUNCATED, problem="the answer ended at its token limit")
        case "content_filter":
            return _Text(failure=Failure.REFUSED, problem="the service's filter stopped the answer")
    text = message.get("content")
    if text is not None and not isinstance(text, str):
        return _Text(failure=Failure.SCHEMA, problem="the answer is no text")
    return _Text(text or "")


def _error(body: Mapping[str, Any] | None) -> Mapping[str, Any]:
    error = (body or {}).get("error")
    return error if isinstance(error, Mapping) else {"message": error or (body or {}).get("message") or ""}


def _words(body: Mapping[str, Any] | None) -> str:
    message = str(_error(body).get("message") or "")
    return f": {clipped(message, MOST_WORDS)}" if message else ""


def _list(value: object) -> Sequence[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _name(body: Mapping[str, Any], field: str) -> str | None:
    value = body.get(field)
    return clipped(value, MOST_WORDS) if isinstance(value, str) else None


def _detail(details: object, field: str) -> int | None:
    """A part of a count: 0 where it is not told, `None` where it cannot be true."""
    value = details.get(field) if isinstance(details, Mapping) else None
    return 0 if value is None else _count(value)


def _count(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_TOKENS:
        return None
    return value
