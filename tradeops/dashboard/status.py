"""How the bot is, for those who may see no more: a page, JSON, a badge. States alone, no money, no reasons."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from tradeops.dashboard import badge, pages
from tradeops.dashboard.questions import window_of
from tradeops.domain.window.overview import StatusView
from tradeops.domain.window.values import State
from tradeops.errors import TradeOpsError

router = APIRouter()


@dataclass(frozen=True, slots=True)
class PublicStatus:
    """States only.

    Attributes:
        state: of the whole.
        checked_at: of the last health check; `null` when there was none.
        services: the state of each part.
        open_incidents: `null` when that is not known.
        at: of this answer.
    """

    state: State
    checked_at: datetime | None
    services: dict[str, State]
    open_incidents: int | None
    at: datetime


@router.get("/status.json", summary="States only: no money, no names of hosts, no reasons")
async def status_json(request: Request) -> PublicStatus:
    """503 with a problem body while the records cannot be read."""
    view = await window_of(request).status()
    services = {name: state for name, state, _ in view.services}
    return PublicStatus(view.state, view.checked_at, services, view.open_incidents, view.at)


@router.get("/status", include_in_schema=False)
async def status_page(request: Request) -> Response:
    """The page; it says so when nothing is known."""
    view: StatusView | None = None
    why = ""
    try:
        view = await window_of(request).status()
    except TradeOpsError:  # its words may name a host or a path, which are nobody's business here
        why = "The records cannot be read at the moment, so nothing is known."
    return pages.status_page(request, view, why)


@router.get(
    "/badge.svg",
    response_class=Response,
    responses={200: {"content": {badge.MEDIA_TYPE: {"schema": {"type": "string"}}}}},
    summary="The state of the whole as a picture",
)
async def status_badge(request: Request) -> Response:
    """Grey and `unknown` while the records cannot be read."""
    try:
        state = (await window_of(request).status()).state
    except TradeOpsError:
        state = State.UNKNOWN
    return Response(badge.draw(state), media_type=badge.MEDIA_TYPE, headers={"cache-control": "no-cache"})


@router.get("/healthz", summary="Whether this process answers; asks nobody else")
async def healthz() -> dict[str, str]:
    """For the container: it is not restarted because something else is down."""
    return {"status": "ok"}
