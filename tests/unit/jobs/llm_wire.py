"""A desk with a language model, and answers of both APIs as the contract sheets have them."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tradeops.domain.llm import Prompt, PromptTemplate, render
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_desk

ENGINE, LLM, KEY = "http://engine.test", "http://llm.test/v1", "sk-planted-secret-key"
MODEL = "gpt-6-luna"
GOOD = {
    "recommendation": "retrain",
    "confidence": 0.83,
    "reasoning": "The win rate fell below its interval.",
    "urgency": "high",
    "suggested_actions": ["retrain on recent data"],
    "estimated_improvement": "a few points of win rate",
}
USAGE = {
    "input_tokens": 1300,
    "input_tokens_details": {"cached_tokens": 300, "cache_write_tokens": 200},
    "output_tokens": 500,
    "output_tokens_details": {"reasoning_tokens": 320},
    "total_tokens": 1800,
}
COST_OF_USAGE = "0.000358"  # (800 × 0.10 + 300 × 0.01 + 200 × 0.125 + 500 × 0.50) / 1,000,000
CHAT_USAGE = {
    "prompt_tokens": 1300,
    "completion_tokens": 500,
    "total_tokens": 1800,
    "prompt_tokens_details": {"cached_tokens": 300, "cache_write_tokens": 200},
    "completion_tokens_details": {"reasoning_tokens": 320},
}


@asynccontextmanager
async def desk(tmp_path: Path, **settings: object) -> AsyncIterator[Desk]:
    values = {
        "RUST_API_URL": ENGINE,
        "TRADEOPS_HOME": tmp_path,
        "TRADEOPS_STORE": "sqlite",
        "OPENAI_BASE_URL": LLM,
        "OPENAI_API_KEY": KEY,
        "OPENAI_MODEL": MODEL,
    } | settings
    async with open_desk(Settings(_env_file=None, **values)) as opened:  # type: ignore[arg-type]
        yield opened


def prompt() -> Prompt:
    template = PromptTemplate.of("Be brief.\n---\nEvidence: {{evidence}}", name="test", version=1)
    return render(template, {"win_rate": 41.5})


def answer_text(**changed: object) -> str:
    """A good answer with some fields changed; `...` leaves one out."""
    return json.dumps({name: value for name, value in {**GOOD, **changed}.items() if value is not ...})


def responses(text: str | None = None, *, usage: object = USAGE, **changed: object) -> dict[str, Any]:
    """A whole answer of the Responses API, with reasoning before the message."""
    content = [{"type": "output_text", "text": answer_text() if text is None else text, "annotations": []}]
    body = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1764123456,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": f"{MODEL}-2026-09-22",
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": content},
        ],
        "usage": usage,
    }
    return body | changed


def refusing(words: str = "I cannot help with that.") -> dict[str, Any]:
    message = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "content": [{"type": "refusal", "refusal": words}],
    }
    return responses(output=[message])


def truncated() -> dict[str, Any]:
    return responses(
        '{"recommendation": "retr', status="incomplete", incomplete_details={"reason": "max_output_tokens"}
    )


def chat(
    text: str | None = None, *, finish: str = "stop", usage: object = CHAT_USAGE, **message: object
) -> dict[str, Any]:
    """A whole answer of the Chat API."""
    said = {"role": "assistant", "content": answer_text() if text is None else text, "refusal": None} | message
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1764123456,
        "model": f"{MODEL}-2026-09-22",
        "choices": [{"index": 0, "message": said, "logprobs": None, "finish_reason": finish}],
        "usage": usage,
    }


def refusal(code: str | None, message: str = "No.", kind: str = "invalid_request_error") -> Mapping[str, Any]:
    """An error in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
