"""A webhook of one's own: the notice as JSON, signed, with a key by which the receiver can drop a double."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC
from typing import Any

from tradeops.adapters.notify.escaping import cleaned
from tradeops.adapters.notify.posting import PostBox
from tradeops.domain.notices import Notice
from tradeops.http import HttpService

VERSION = 1


class WebhookChannel:
    """One webhook.

    Args:
        http: the service at its origin.
        path: the rest of its address.
        secret: the key of the signature.
        now: seconds since 1970, UTC.
    """

    name = "webhook"

    def __init__(self, http: HttpService, path: str, *, secret: str, now: Callable[[], float] = time.time) -> None:
        self._box = PostBox(http, path, remedy="check TRADEOPS_WEBHOOK_URL and what listens there")
        self._secret = secret.encode()
        self._now = now

    async def send(self, notice: Notice, *, idempotency_key: str) -> None:
        """As `Channel.send`."""
        body = json.dumps(payload(notice)).encode()
        timestamp = str(int(self._now()))
        headers = {
            "idempotency-key": hashlib.sha256(idempotency_key.encode("utf-8", "replace")).hexdigest(),
            "x-tradeops-timestamp": timestamp,
            "x-tradeops-signature": f"sha256={signature(self._secret, timestamp, body)}",
        }
        await self._box.post_all([body], key=idempotency_key, headers=headers)


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """The HMAC-SHA256 of `timestamp.body`, in hexadecimal."""
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def payload(notice: Notice) -> dict[str, Any]:
    """The notice as its receiver sees it; HTML and pictures are left to e-mail."""
    return {
        "version": VERSION,
        "key": cleaned(notice.key),
        "event": cleaned(notice.event),
        "level": notice.level.name,
        "title": cleaned(notice.title),
        "body": cleaned(notice.body),
        "fields": [{"name": cleaned(name), "value": cleaned(value)} for name, value in notice.fields],
        "link": notice.link,
        "occurred_at": notice.occurred_at.astimezone(UTC).isoformat(),
    }
