"""An OpenAI-compatible endpoint without a model: what it answers comes from `sandbox.analyst`."""

import itertools
import json
import time
from collections.abc import Iterator, Mapping
from secrets import compare_digest
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.analyst import judge

MODELS: Mapping[str, str | None] = {  # and when they shut down, as the real endpoint says
    "gpt-6-luna": None,
    "gpt-4o-mini": "2027-01-14",
    "gpt-4o": "2027-01-14",
    "sandbox": None,
}
LETTERS_PER_TOKEN = 4  # the customary estimate for English
NO_CAP = 10**9


class LlmError(Exception):
    """A request that the endpoint refuses, in OpenAI's words."""

    def __init__(
        self, status: int, message: str, *, kind: str, code: str | None = None, param: str | None = None
    ) -> None:
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
        super().__init__(message)


class Llm:
    """The endpoint.

    Args:
        key: the bearer token that it accepts.
    """

    def __init__(self, key: str) -> None:
        self._key = key
        self._numbers = itertools.count(1)

    def build_app(self) -> Starlette:
        """`GET /v1/models`, `POST /v1/responses`, `POST /v1/chat/completions`."""
        return Starlette(
            routes=[
                Route("/v1/models", self._models),
                Route("/v1/responses", self._responses, methods=["POST"]),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
            ],
            exception_handlers={LlmError: _refuse, HTTPException: _refuse_route},
        )

    async def _models(self, request: Request) -> JSONResponse:
        self._authorize(request)
        models = [
            {
                "id": name,
                "object": "model",
                "created": 1_700_000_000,
                "owned_by": "sandbox",
                "shutdown_date": shutdown,
            }
            for name, shutdown in MODELS.items()
        ]
        return JSONResponse({"object": "list", "data": models})

    async def _responses(self, request: Request) -> JSONResponse:
        body = await self._body(request, "input")
        _check_format(_at(body, "text", "format"), "text.format")
        prompt = "\n".join((*_texts(body.get("instructions", "")), *_texts(body["input"])))
        answer, number = json.dumps(judge(prompt)), next(self._numbers)
        read, written = _tokens(prompt), _tokens(answer)
        cut = _cap(body, "max_output_tokens") < written
        if cut:
            written = _cap(body, "max_output_tokens")
            answer = answer[: written * LETTERS_PER_TOKEN]
        content = {"type": "output_text", "text": answer, "annotations": [], "logprobs": []}
        message = {
            "type": "message",
            "id": f"msg_sandbox_{number:06}",
            "status": "incomplete" if cut else "completed",
            "role": "assistant",
            "content": [content],
        }
        return JSONResponse(
            {
                "id": f"resp_sandbox_{number:06}",
                "object": "response",
                "created_at": int(time.time()),
                "status": "incomplete" if cut else "completed",
                "error": None,
                "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
                "instructions": body.get("instructions"),
                "metadata": {},
                "model": body["model"],
                "output": [message],
                "parallel_tool_calls": True,
                "store": body.get("store", True),
                "tool_choice": "auto",
                "tools": [],
                "usage": {
                    "input_tokens": read,
                    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                    "output_tokens": written,
                    "output_tokens_details": {"reasoning_tokens": 0},
                    "total_tokens": read + written,
                },
            }
        )

    async def _chat(self, request: Request) -> JSONResponse:
        body = await self._body(request, "messages")
        _check_format(body.get("response_format"), "response_format")
        prompt = "\n".join(_texts(body["messages"]))
        answer, number = json.dumps(judge(prompt)), next(self._numbers)
        read, written = _tokens(prompt), _tokens(answer)
        cut = _cap(body, "max_completion_tokens") < written
        if cut:
            written = _cap(body, "max_completion_tokens")
            answer = answer[: written * LETTERS_PER_TOKEN]
        message = {"role": "assistant", "content": answer, "refusal": None}
        return JSONResponse(
            {
                "id": f"chatcmpl-sandbox-{number:06}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": body["model"],
                "choices": [
                    {"index": 0, "message": message, "logprobs": None, "finish_reason": "length" if cut else "stop"}
                ],
                "usage": {
                    "prompt_tokens": read,
                    "completion_tokens": written,
                    "total_tokens": read + written,
                    "prompt_tokens_details": {"cached_tokens": 0},
                    "completion_tokens_details": {"reasoning_tokens": 0},
                },
            }
        )

    def _authorize(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not compare_digest(token.encode(), self._key.encode()):
            message = "Incorrect API key provided. This is the sandbox: its key is in sandbox.json."
            raise LlmError(401, message, kind="invalid_request_error", code="invalid_api_key")

    async def _body(self, request: Request, mandatory: str) -> Mapping[str, Any]:
        self._authorize(request)
        try:
            body = json.loads(await request.body())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise LlmError(400, "The body is not a JSON object.", kind="invalid_request_error")
        for name in ("model", mandatory):
            if not body.get(name):
                message = f"Missing required parameter: '{name}'."
                raise LlmError(
                    400, message, kind="invalid_request_error", code="missing_required_parameter", param=name
                )
        if body["model"] not in tuple(MODELS):
            message = f"The model '{body['model']}' does not exist or you do not have access to it."
            raise LlmError(404, message, kind="invalid_request_error", code="model_not_found", param="model")
        if body.get("stream"):
            message = "The sandbox does not stream."
            raise LlmError(400, message, kind="invalid_request_error", code="unsupported_value", param="stream")
        return body


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, LlmError):
        raise error
    return JSONResponse(error.body, status_code=error.status)


async def _refuse_route(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    message = f"Invalid URL ({request.method} {request.url.path})"
    return await _refuse(request, LlmError(error.status_code, message, kind="invalid_request_error"))


def _check_format(wanted: object, param: str) -> None:
    """Refuse what the real endpoint refuses: a strict schema must close its object and require all of its fields."""
    if not isinstance(wanted, Mapping) or wanted.get("type") != "json_schema":
        return
    inner = wanted.get("json_schema", wanted)
    schema = inner.get("schema") if isinstance(inner, Mapping) else None
    if not isinstance(schema, Mapping) or not inner.get("name"):
        message = f"Missing required parameter: '{param}.schema' or '{param}.name'."
        raise LlmError(400, message, kind="invalid_request_error", code="missing_required_parameter", param=param)
    closed = schema.get("additionalProperties") is False
    if inner.get("strict") and not (closed and set(schema.get("required", [])) == set(schema.get("properties", {}))):
        message = "Invalid schema: 'additionalProperties' must be false and 'required' must name every property."
        raise LlmError(400, message, kind="invalid_request_error", code="invalid_json_schema", param=param)


def _at(node: object, *names: str) -> object:
    for name in names:
        node = node.get(name) if isinstance(node, Mapping) else None
    return node


def _cap(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else NO_CAP


def _texts(node: object) -> Iterator[str]:
    """The texts of a prompt in any of its forms: a string, messages, or parts of messages."""
    match node:
        case str():
            yield node
        case list():
            for one in node:
                yield from _texts(one)
        case {"content": inner} | {"text": inner}:
            yield from _texts(inner)


def _tokens(text: str) -> int:
    return -(-len(text) // LETTERS_PER_TOKEN)
