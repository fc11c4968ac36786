"""Slack, by an incoming webhook. It takes one message a second and says `ok` for what it accepted."""

from datetime import timedelta
from typing import Any

from tradeops.adapters.notify import escaping
from tradeops.adapters.notify.layout import Part, Room, lay_out, safe_link
from tradeops.adapters.notify.posting import PostBox
from tradeops.adapters.notify.splitting import utf16_units
from tradeops.domain.notices import Notice
from tradeops.errors import ContractError
from tradeops.http import Answer, HttpService

ROOM = Room(title=150, text=3000, fields=10, field_name=150, field_value=2000, total=40_000)
PAUSE = timedelta(seconds=1)
SHORT_FIELD = 40
COLOURS = {"INFO": "#36a64f", "WARNING": "#ff9900", "ERROR": "#ff0000", "CRITICAL": "#990000"}


class SlackChannel:
    """One webhook of Slack.

    Args:
        http: the service at the origin of the webhook.
        path: the rest of its address.
        pause: from one message to the next.
    """

    name = "slack"

    def __init__(self, http: HttpService, path: str, *, pause: timedelta = PAUSE) -> None:
        self._box = PostBox(http, path, remedy="check SLACK_WEBHOOK_URL", pause=pause, check=_check)

    async def send(self, notice: Notice, *, idempotency_key: str) -> None:
        """As `Channel.send`."""
        await self._box.post_all(messages(notice), key=idempotency_key)


def messages(notice: Notice) -> list[dict[str, Any]]:
    """The payloads that carry the notice."""
    return [_message(notice, part) for part in lay_out(notice, ROOM, measure=_size)]


def _message(notice: Notice, part: Part) -> dict[str, Any]:
    title = escaping.slack(part.title)
    attachment = {
        "fallback": title,
        "color": COLOURS[notice.level.name],
        "title": title,
        "text": escaping.slack(part.text),
        "fields": [
            {"title": escaping.slack(name), "value": escaping.slack(value), "short": len(value) <= SHORT_FIELD}
            for name, value in part.fields
        ],
        "footer": part.footer,
        "ts": int(notice.occurred_at.timestamp()),
        "mrkdwn_in": [],  # or names with * and _ would be formatted
    }
    link = safe_link(notice)
    return {"attachments": [attachment | ({"title_link": link} if link else {})]}


def _size(text: str) -> int:
    return utf16_units(escaping.slack(text))


def _check(answer: Answer) -> None:
    answer.raise_for_status()
    if answer.body.strip() != b"ok":
        raise ContractError(answer.system, f"{answer.address} did not say ok but {answer.excerpt()}")
