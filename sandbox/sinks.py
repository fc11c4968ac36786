"""Where messages of TradeOps end up in the sandbox: each delivery of each channel is kept and shown, none goes out."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.pages import page, table

KEPT = 500
LONGEST_MESSAGE_BYTES = 1024 * 1024
TELEGRAM_TOKEN = "0:sandbox"  # noqa: S105 - the sandbox's own, and it opens nothing
MAILBOX = "you@sandbox.example"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it arrived.

    Attributes:
        number: counts up from 1 over all channels.
        at: aware UTC.
        channel: `slack`, `discord`, `telegram`, `webhook` or `email`.
        text: what a person would read first.
        raw: all that was sent: a JSON value, or text when it was none.
    """

    number: int
    at: datetime
    channel: str
    text: str
    raw: Any


class Sinks:
    """The channels, and the newest deliveries of them."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._kept: deque[Delivery] = deque(maxlen=KEPT)
        self._count = 0

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """The newest `KEPT`, oldest first."""
        return tuple(self._kept)

    def keep(self, channel: str, text: str, raw: object) -> Delivery:
        """Keep one more; the oldest makes room."""
        self._count += 1
        delivery = Delivery(self._count, self._now(), channel, text, raw)
        self._kept.append(delivery)
        return delivery

    def build_app(self) -> Starlette:
        """The HTTP channels; `GET /` is a page of all deliveries, `GET /deliveries` is JSON (`?channel=` for one)."""
        return Starlette(
            routes=[
                Route("/", self._page),
                Route("/deliveries", self._deliveries),
                Route("/slack", self._slack, methods=["POST"]),
                Route("/discord", self._discord, methods=["POST"]),
                Route("/bot{token}/sendMessage", self._telegram, methods=["POST"]),
                Route("/webhook", self._webhook, methods=["POST"]),
            ]
        )

    def build_smtp(self) -> SMTP:
        """The protocol of one SMTP connection."""
        return SMTP(_Mailbox(self), data_size_limit=LONGEST_MESSAGE_BYTES, hostname="sandbox", enable_SMTPUTF8=True)

    async def _page(self, _: Request) -> HTMLResponse:
        rows = [
            (
                one.number,
                f"{one.at:%Y-%m-%d %H:%M:%S} UTC",
                one.channel,
                one.text,
                json.dumps(one.raw, ensure_ascii=False),
            )
            for one in reversed(self._kept)
        ]
        return HTMLResponse(
            page("Messages", table(("#", "time", "channel", "text", "as sent"), rows, folded="as sent"))
        )

    async def _deliveries(self, request: Request) -> JSONResponse:
        channel = request.query_params.get("channel")
        kept = (one for one in self._kept if channel in {None, one.channel})
        return JSONResponse([{**asdict(one), "at": one.at.isoformat()} for one in kept])

    async def _slack(self, request: Request) -> Response:
        sent = await _json(request)
        match sent:
            case {"text": str(text)} | {"attachments": [{"title": str(text)} | {"text": str(text)}, *_]} if text:
                self.keep("slack", text, sent)
                return PlainTextResponse("ok")
        return PlainTextResponse("no_text" if isinstance(sent, Mapping) else "invalid_payload", status_code=400)

    async def _discord(self, request: Request) -> Response:
        sent = await _json(request)
        match sent:
            case {"content": str(text)} | {"embeds": [{"title": str(text)} | {"description": str(text)}, *_]} if text:
                self.keep("discord", text, sent)
                return Response(status_code=204)
        return JSONResponse({"message": "Cannot send an empty message", "code": 50006}, status_code=400)

    async def _telegram(self, request: Request) -> Response:
        if request.path_params["token"] != TELEGRAM_TOKEN:
            return JSONResponse({"ok": False, "error_code": 401, "description": "Unauthorized"}, status_code=401)
        sent = await _json(request)
        match sent:
            case {"chat_id": int() | str() as chat, "text": str(text)} if text:
                kept = self.keep("telegram", text, sent)
                result = {
                    "message_id": kept.number,
                    "date": int(kept.at.timestamp()),
                    "chat": {"id": chat},
                    "text": text,
                }
                return JSONResponse({"ok": True, "result": result})
        problem = "Bad Request: message text is empty"
        return JSONResponse({"ok": False, "error_code": 400, "description": problem}, status_code=400)

    async def _webhook(self, request: Request) -> Response:
        sent = await _json(request)
        match sent:
            case (
                {"title": str(text)} | {"subject": str(text)} | {"text": str(text)} | {"message": str(text)} | str(text)
            ):
                self.keep("webhook", text, sent)
            case _:
                self.keep("webhook", "", sent)
        return JSONResponse({"received": True})


def sink_settings(url: str, *, smtp_host: str, smtp_port: int) -> dict[str, str]:
    """What a user sets to be told here.

    Args:
        url: of the HTTP channels.
        smtp_host: of the mailbox.
        smtp_port: the same.
    """
    return {
        "SLACK_WEBHOOK_URL": f"{url}/slack",
        "DISCORD_WEBHOOK_URL": f"{url}/discord",
        "TELEGRAM_BOT_TOKEN": TELEGRAM_TOKEN,
        "TELEGRAM_CHAT_ID": "1",
        "TRADEOPS_TELEGRAM_API_URL": url,
        "TRADEOPS_WEBHOOK_URL": f"{url}/webhook",
        "TRADEOPS_WEBHOOK_SECRET": "sandbox-no-real-secret",
        "SMTP_HOST": smtp_host,
        "SMTP_PORT": str(smtp_port),
        "EMAIL_FROM": "TradeOps <tradeops@sandbox.example>",
        "EMAIL_TO": MAILBOX,
    }


class _Mailbox:
    def __init__(self, sinks: Sinks) -> None:
        self._sinks = sinks

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        message = message_from_bytes(content, policy=policy.default)
        parts = {kind: _part(message.get_body((kind,))) for kind in ("plain", "html")}
        raw = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "subject": message["subject"], **parts}
        self._sinks.keep("email", message["subject"] or parts["plain"] or "", raw)
        return "250 Message accepted for the sandbox"


def _part(part: Any) -> str | None:  # noqa: ANN401 - typeshed does not say which kind of message get_body finds
    return None if part is None else str(part.get_content()).replace("\r\n", "\n")


async def _json(request: Request) -> Any:  # noqa: ANN401 - any JSON, or the text itself
    body = (await request.body()).decode("utf-8", "replace")
    try:
        return json.loads(body)
    except ValueError:
        return body
