"""Telegram, by the `sendMessage` of a bot, in HTML mode; an answer may be `ok: false` and says when to come back."""

import html
import json
from datetime import UTC, timedelta
from typing import Any

from tradeops.adapters.notify import escaping
from tradeops.adapters.notify.layout import FOOTER_ROOM, Part, Room, lay_out, safe_link
from tradeops.adapters.notify.posting import PostBox
from tradeops.adapters.notify.splitting import utf16_units
from tradeops.domain.notices import Notice
from tradeops.errors import ContractError, RateLimitedError, RejectedError
from tradeops.http import Answer, HttpService

LIMIT = 4096
TITLE_LIMIT = 256
PAUSE = timedelta(seconds=1)


class TelegramChannel:
    """One chat, written to by one bot.

    Args:
        http: the service of the Bot API; it must keep the token secret.
        token: of the bot.
        chat_id: a number, or @channel.
        pause: from one message to the next.
    """

    name = "telegram"

    def __init__(self, http: HttpService, token: str, chat_id: str, *, pause: timedelta = PAUSE) -> None:
        remedy = "check TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID, and that the bot may write there"
        self._box = PostBox(http, f"/bot{token}/sendMessage", remedy=remedy, pause=pause, check=_check)
        self._chat_id = chat_id

    async def send(self, notice: Notice, *, idempotency_key: str) -> None:
        """As `Channel.send`."""
        await self._box.post_all(messages(notice, self._chat_id), key=idempotency_key)


def messages(notice: Notice, chat_id: str) -> list[dict[str, Any]]:
    """The payloads that carry the notice; their text as sent, markup included, is within the limit."""
    frame = utf16_units(_text(notice, Part("", "", (), ""))) + FOOTER_ROOM + len("\n\n")
    total = LIMIT - frame + FOOTER_ROOM
    room = Room(title=TITLE_LIMIT, text=total, total=total)
    return [
        {
            "chat_id": chat_id,
            "text": _text(notice, part),
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
        }
        for part in lay_out(notice, room, measure=_size)
    ]


def _text(notice: Notice, part: Part) -> str:
    at = f"{notice.occurred_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    link = safe_link(notice)
    blocks = [
        f"<b>{escaping.telegram(part.title)}</b>",
        escaping.telegram(part.text),
        f'<a href="{html.escape(link)}">details</a>' if link else "",
        f"<i>{at} · {part.footer}</i>",
    ]
    return "\n\n".join(block for block in blocks if block)


def _size(text: str) -> int:
    return utf16_units(escaping.telegram(text))


def _check(answer: Answer) -> None:
    body = _body(answer)
    if body.get("ok") is True and answer.status < 300:  # noqa: PLR2004 - the class of success
        return
    given = body.get("parameters")
    parameters = given if isinstance(given, dict) else {}
    said = answer.masked(str(body.get("description") or body.get("error_code") or answer.status))
    why = f"{answer.address} says {said[:200]!r}"
    if body.get("error_code") == 429 or answer.status == 429:  # noqa: PLR2004 - HTTP's too many requests
        seconds = parameters.get("retry_after")
        wait = timedelta(seconds=min(seconds, 86_400)) if type(seconds) is int and seconds >= 0 else None
        raise RateLimitedError(answer.system, why, retry_after=wait)
    if type(moved := parameters.get("migrate_to_chat_id")) is int:
        raise RejectedError(answer.system, why, http_status=answer.status, remedy=f"set TELEGRAM_CHAT_ID={moved}")
    answer.raise_for_status()
    if body.get("ok") is False:
        raise RejectedError(answer.system, why, http_status=answer.status)
    raise ContractError(answer.system, f"{answer.address} did not say ok but {answer.excerpt()}")


def _body(answer: Answer) -> dict[str, Any]:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
