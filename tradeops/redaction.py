"""Takes our secrets out of what others say, however they spell them: as they are, or escaped as on the way back.

Whoever knows a secret can spell it in a way that nobody finds; this is against the one who repeats what was sent.
"""

import base64
import re
from collections.abc import Iterable

MASK = "***"
SAFE_IN_DATA = 12  # a shorter one may be a word of the answer, and an answer with a hole is no answer


class Redactor:
    """Knows some secrets.

    Args:
        secrets: those that were sent; empty ones are none.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted({one for one in secrets if one}, key=len, reverse=True)
        self._text = _any_of(self._secrets, re.IGNORECASE)
        long = [one for one in self._secrets if len(one) >= SAFE_IN_DATA]
        pattern = _any_of(long)
        self._data = re.compile(pattern.pattern.encode()) if pattern else None
        self._clues = [_longest_run(one) for one in long]

    def text(self, text: str) -> str:
        """A message for people without any of them."""
        return self._text.sub(MASK, text) if self._text else text

    def data(self, data: bytes) -> bytes:
        """An answer for a parser without those of `SAFE_IN_DATA` characters and more."""
        if self._data is None or not any(clue in data for clue in self._clues):
            return data
        return self._data.sub(MASK.encode(), data)

    def __repr__(self) -> str:
        return f"Redactor({len(self._secrets)} secrets)"


def of_basic(credential: str) -> tuple[str, ...]:
    """All that must not be seen of a credential of Basic authentication: itself, user and password, the password."""
    try:
        both = base64.b64decode(credential, validate=True).decode()
    except ValueError:
        return (credential,)
    return (credential, both, both.partition(":")[2])


def _any_of(secrets: list[str], flags: int = 0) -> re.Pattern[str] | None:
    return re.compile("|".join(map(_spellings, secrets)), flags) if secrets else None


def _spellings(secret: str) -> str:
    """Other signs than letters and digits may be escaped as JSON, addresses and HTML do."""
    return "".join(one if one.isascii() and one.isalnum() else _sign(one) for one in secret)


def _sign(one: str) -> str:
    number = ord(one)
    in_address = "".join(f"%{byte:02x}" for byte in one.encode("utf-8", "replace"))
    named = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}.get(one, in_address)
    ways = (  # bounded, or a flood of backslashes would take for ever
        rf"\\{{0,8}}{re.escape(one)}",
        rf"\\{{1,8}}u{number:04x}",
        in_address,
        rf"&#0{{0,8}}{number};",
        rf"&#x0{{0,8}}{number:x};",
        named,
    )
    return f"(?:{'|'.join(f'(?i:{way})' for way in ways)})"


def _longest_run(secret: str) -> bytes:
    return max(re.split(r"[^A-Za-z0-9]+", secret), key=len).encode()
