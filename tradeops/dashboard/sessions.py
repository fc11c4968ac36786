"""Who knows the token: a bearer of it, or a browser with a cookie that was signed by it."""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta

LASTS = timedelta(days=30)  # the page is left open; a new token ends every session at once
MOST_ENDED = 10_000
PLAIN_COOKIE, SECURE_COOKIE = "tradeops_dashboard", "__Host-tradeops_dashboard"
LAYOUT = struct.Struct(">Q16s")


class Sessions:
    """Signs cookies and knows its own again, after a restart too; compares in constant time.

    Args:
        token: the secret that visitors must know.
        clock: seconds since 1970.
    """

    def __init__(self, token: str, *, clock: Callable[[], float] = time.time) -> None:
        self._token = _digest(token.encode())
        self._key = hmac.digest(token.encode(), b"tradeops dashboard session", "sha256")
        self._clock = clock
        self._ended: OrderedDict[bytes, None] = OrderedDict()

    def knows(self, token: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(_digest(token.encode(errors="surrogateescape")), self._token)

    def begin(self) -> str:
        """The value of a new session's cookie."""
        body = LAYOUT.pack(int(self._clock() + LASTS.total_seconds()), secrets.token_bytes(16))
        return base64.urlsafe_b64encode(body + self._signature(body)).decode()

    def accepts(self, cookie: str) -> bool:
        """Whether this is a cookie of ours that has neither run out nor been ended."""
        body = self._signed(cookie)
        if body is None or body in self._ended:
            return False
        expires_at, _ = LAYOUT.unpack(body)
        return bool(self._clock() < expires_at <= self._clock() + LASTS.total_seconds())

    def end(self, cookie: str) -> None:
        """Accept this cookie no more, until a restart; the browser is told to forget it."""
        if body := self._signed(cookie):
            self._ended[body] = None
            while len(self._ended) > MOST_ENDED:
                self._ended.popitem(last=False)

    def _signed(self, cookie: str) -> bytes | None:
        try:
            raw = base64.b64decode(cookie.encode("ascii"), altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error, ValueError):
            return None
        body, signature = raw[: LAYOUT.size], raw[LAYOUT.size :]
        if len(body) != LAYOUT.size or not hmac.compare_digest(self._signature(body), signature):
            return None
        return body

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
