"""Discord, by a webhook: one embed a message, 6,000 characters in all, and nobody is mentioned."""

import json
from datetime import UTC, timedelta
from typing import Any

from tradeops.adapters.notify import escaping
from tradeops.adapters.notify.layout import Part, Room, lay_out, safe_link
from tradeops.adapters.notify.posting import PostBox
from tradeops.adapters.notify.splitting import utf16_units
from tradeops.domain.notices import Notice
from tradeops.errors import RateLimitedError
from tradeops.http import Answer, HttpService

ROOM = Room(title=256, text=4096, fields=25, field_name=256, field_value=1024, total=6000)
PAUSE = timedelta(milliseconds=500)
SHORT_FIELD = 40
COLOURS = {"INFO": 3447003, "WARNING": 16776960, "ERROR": 16711680, "CRITICAL": 10038562}


class DiscordChannel:
    """One webhook of Discord.

    Args:
        http: the service at the origin of the webhook.
        path: the rest of its address.
        pause: from one message to the next.
    """

    name = "discord"

    def __init__(self, http: HttpService, path: str, *, pause: timedelta = PAUSE) -> None:
        self._box = PostBox(http, path, remedy="check DISCORD_WEBHOOK_URL", pause=pause, check=_check)

    async def send(self, notice: Notice, *, idempotency_key: str) -> None:
        """As `Channel.send`."""
        await self._box.post_all(messages(notice), key=idempotency_key)


def messages(notice: Notice) -> list[dict[str, Any]]:
    """The payloads that carry the notice."""
    return [_message(notice, part) for part in lay_out(notice, ROOM, measure=_size)]


def _message(notice: Notice, part: Part) -> dict[str, Any]:
    embed: dict[str, Any] = {
        "title": escaping.discord(part.title),
        "color": COLOURS[notice.level.name],
        "fields": [
            {"name": escaping.discord(name), "value": escaping.discord(value), "inline": len(value) <= SHORT_FIELD}
            for name, value in part.fields
        ],
        "footer": {"text": part.footer},
        "timestamp": notice.occurred_at.astimezone(UTC).isoformat(),
    }
    if part.text:
        embed["description"] = escaping.discord(part.text)
    if link := safe_link(notice):
        embed["url"] = link
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _size(text: str) -> int:
    return utf16_units(escaping.discord(text))


def _check(answer: Answer) -> None:
    try:
        answer.raise_for_status()
    except RateLimitedError as error:
        if error.retry_after is None:
            error.retry_after = _wait(answer)
        raise


def _wait(answer: Answer) -> timedelta | None:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return None
    match body:
        case {"retry_after": int() | float() as seconds} if 0 <= seconds < timedelta(days=1).total_seconds():
            return timedelta(seconds=seconds)
    return None
