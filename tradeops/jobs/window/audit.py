"""The audit trail for the dashboard."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from tradeops.adapters.store import AuditEvent, Store
from tradeops.domain.window.outline import text
from tradeops.domain.window.pages import AuditLine, AuditPage
from tradeops.errors import RejectedError
from tradeops.jobs.audit import SINCE, read_head
from tradeops.jobs.window.events import newest

PAGE = 50
LOOKED_THROUGH = 300
SUMMARY = ("summary", "reason", "says", "what", "text", "symbol", "version", "target")


async def page(store: Store, kind: str | None, *, before: datetime | None, now: datetime) -> AuditPage:
    """Events before that time, the newest first.

    Raises:
        RejectedError: a kind that cannot be one.
        UnavailableError: the store is down.
        ContractError: the head of the trail was written by something else.
    """
    until, limit = before or now + timedelta(hours=1), PAGE if kind else LOOKED_THROUGH
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
    said = [text(body[name]) for name in SUMMARY if body.get(name)]
    target = body.get("target")
    if isinstance(target, str) and len(said) > 1:
        said = [target, *said[:1]]
    return AuditLine(
        event_id=event.event_id,
        at=event.occurred_at,
        kind=event.kind,
        actor=event.actor,
        summary=": ".join(said[:2]),
        details={name: text(dict(value) if isinstance(value, Mapping) else value) for name, value in body.items()},
    )
