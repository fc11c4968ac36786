"""Notices to send, harmless and hostile."""

from datetime import UTC, datetime
from typing import Any

from tradeops.domain.notices import Level, Notice

OCCURRED_AT = datetime(2026, 11, 25, 3, 15, 7, tzinfo=UTC)
HOSTILE = (
    '</b><script>alert(1)</script> @everyone <!channel> <@U1> *b* _i_ `c` [x](https://evil.example) "q" & \ud83d\x00'
)
EMOJI = "🚀"


def notice(**given: Any) -> Notice:  # noqa: ANN401 - whatever a notice takes
    """A critical notice, but for what is given."""
    defaults = {
        "key": "incident-7:opened",
        "event": "health_critical",
        "level": Level.CRITICAL,
        "title": "Bot engine is down",
        "body": "It refused the connection.\nSince 03:14 UTC.",
        "occurred_at": OCCURRED_AT,
    }
    return Notice(**(defaults | given))
