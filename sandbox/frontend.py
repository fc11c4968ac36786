"""The bot's web frontend: one page, which is all that anybody asks of it."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from sandbox.pages import page


async def _home(_: Request) -> HTMLResponse:
    return HTMLResponse(page("Trading bot", "<p>This stands in for the frontend of the bot.</p>"))


def build_app() -> Starlette:
    """`GET /`; everything else is not found."""
    return Starlette(routes=[Route("/", _home)])
