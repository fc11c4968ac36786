"""How a request fails, in ASGI: one small application for each kind of fault."""

import asyncio
import contextlib
import json
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults import Kind, Rule

HUGE_BYTES = 80 * 1024 * 1024  # more than the 64 MiB that our client reads at most by default
CHUNK = b"x" * (1024 * 1024)
PROXY_PAGE = (
    b"<!doctype html><html><head><title>Sandbox: proxy</title></head>"
    b"<body>SANDBOX. The page of a proxy, on purpose.</body></html>"
)
GARBAGE = b'{"success": true, "data": \x00\xff\xfe<<not json'
REFUSAL = {"success": False, "data": None, "error": "sandbox fault: success_false"}


def answering(app: ASGIApp, rule: Rule, abort: Callable[[], None]) -> ASGIApp:
    """An application that fails as `rule` says, and ends as soon as the client is gone.

    Args:
        app: the one that would have answered.
        rule: not of the kind `refuse`: such a request never arrives.
        abort: resets the connection of the request.
    """

    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        match rule.kind:
            case Kind.HANG:
                await asyncio.Event().wait()
            case Kind.RESET:
                abort()
                await asyncio.Event().wait()
            case Kind.SLOW:
                await asyncio.sleep(rule.delay)
                await app(scope, receive, send)
            case Kind.DRIP:
                await app(scope, receive, _dripping(send, rule.delay))
            case Kind.HUGE:
                await _send_huge(send)
            case _:
                await _send_answer(send, rule)

    return _while_there(fail)


def _while_there(app: ASGIApp) -> ASGIApp:
    """`app`, cancelled when its client leaves: an endless answer that outlived it would hold up the shutdown."""

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        request = [await receive()]
        while request[-1].get("more_body", False):
            request.append(await receive())
        request.reverse()
        gone = asyncio.create_task(_gone(receive))

        async def replay() -> Message:
            if not request:
                await asyncio.shield(gone)
                return {"type": "http.disconnect"}
            return request.pop()

        work = asyncio.create_task(_run(app, scope, replay, send))
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        for task in (work, gone):
            task.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        with contextlib.suppress(asyncio.CancelledError):
            await work

    return watched


async def _run(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)


async def _send_answer(send: Send, rule: Rule) -> None:
    match rule.kind:
        case Kind.ERROR:
            body = json.dumps({"detail": "sandbox fault: error"}).encode()
            await _send(send, body, status=rule.status or 500)
        case Kind.HTML:
            await _send(send, PROXY_PAGE, content_type=b"text/html; charset=utf-8")
        case Kind.GARBAGE:
            await _send(send, GARBAGE)
        case Kind.SUCCESS_FALSE:
            await _send(send, json.dumps(REFUSAL).encode())
        case _:
            await _send(send, b"")


async def _send(send: Send, body: bytes, *, status: int = 200, content_type: bytes = b"application/json") -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _send_huge(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b'{"success": true, "data": "', "more_body": True})
    for _ in range(HUGE_BYTES // len(CHUNK)):
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
    await send({"type": "http.response.body", "body": b'"}'})


def _dripping(send: Send, pause: float) -> Send:
    async def drip(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
            return
        for byte in message.get("body", b""):
            await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
            await asyncio.sleep(pause)
        await send({"type": "http.response.body", "more_body": message.get("more_body", False)})

    return drip


async def _gone(receive: Receive) -> None:
    """Return when the client, or its connection, is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
