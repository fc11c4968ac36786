"""The audit trail for the dashboard."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tradeops.adapters.store import AuditEvent, ReadableStore
from tradeops.domain.window.outline import text
from tradeops.domain.window.pages import AuditLine, AuditPage
from tradeops.errors import RejectedError
from tradeops.jobs.audit import SINCE, read_head
from tradeops.jobs.window.events import newest

PAGE = 50
LOOKED_THROUGH = 300
ABOUT = ("what", "decision_id", "target", "key", "pattern", "model_type", "symbol", "version", "to_version")
WHY = ("summary", "reason", "says", "recommendation", "text", "by")


async def page(store: ReadableStore, kind: str | None, *, before: datetime | None, now: datetime) -> AuditPage:
    """Events before that time, the newest first.

    Raises:
        RejectedError: a kind that cannot be one.
        UnavailableError: the store is down.
        ContractError: the head of the trail was written by something else.
    """
    soon = now + timedelta(hours=1)
    until, limit = min(before or soon, soon), PAGE if kind else LOOKED_THROUGH
    try:
        found = await newest(store, since=SINCE, until=until, kind=kind, limit=limit)
    except ValueError:
        raise RejectedError("audit trail", f"{str(kind)[:50]!r} is no kind of event") from None
    head, _ = await read_head(store)
    kinds = sorted({event.kind for event in found})
    shown = found if kind else found[:PAGE]
    while not kind and len(shown) < len(found) and found[len(shown)].occurred_at == shown[-1].occurred_at:
        shown = found[: len(shown) + 1]
    return AuditPage(
        events=tuple(_line(event) for event in shown),
        kinds=tuple(kinds),
        before=shown[-1].occurred_at if len(shown) >= PAGE else None,
        records=head.last.number if head else 0,
        last_sha256=head.last.sha256 if head else "",
    )


def _line(event: AuditEvent) -> AuditLine:
    body = event.body
    return AuditLine(
        event_id=event.event_id,
        at=event.occurred_at,
        kind=event.kind,
        actor=event.actor,
        summary=_summary(event),
        details={name: text(dict(value) if isinstance(value, Mapping) else value) for name, value in body.items()},
    )


def _summary(event: AuditEvent) -> str:
    """What happened to what, and why, as far as it is in the event."""
    content = event.body.get("content")
    inside: Mapping[str, Any] = content if isinstance(content, Mapping) else {}
    body: Mapping[str, Any] = {**inside, **event.body}
    about = [text(body[name]) for name in ABOUT if isinstance(body.get(name), str | int | float) and body[name] != ""]
    why = next((text(body[name]) for name in WHY if isinstance(body.get(name), str) and body[name]), "")
    return ": ".join(part for part in (" ".join(dict.fromkeys(about)), why) if part)
