"""Puts the dashboard together: what is read from, the routes, and the door before them."""

import asyncio
import importlib.metadata
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from tradeops.dashboard import api, assets, live, login, metrics, pages, status
from tradeops.dashboard.access import Door, Rules
from tradeops.dashboard.live import Live
from tradeops.dashboard.problems import DOCUMENTED, refuse, tell_problems
from tradeops.dashboard.reading import open_for_reading
from tradeops.jobs.window import Window
from tradeops.jobs.window.sources import Sources
from tradeops.settings import Settings
from tradeops.wiring import open_quick_engine

OPENAPI = "/api/openapi.json"


def create_app(settings: Settings) -> FastAPI:
    """The routes; a store or an engine that is down keeps it neither from starting nor from answering.

    `app.state` holds `window`, what pages and the API read from; `live`, who listens; `rules`, whom the door lets in.
    """

    @asynccontextmanager
    async def at_work(app: FastAPI) -> AsyncGenerator[None]:
        async with open_for_reading(settings) as store, open_quick_engine(settings) as engine:
            window = Window(Sources(settings, store, engine))
            async with window.open():
                app.state.window, app.state.live = window, Live(window.marks)
                warmed = asyncio.create_task(asyncio.to_thread(_warm))
                yield
                app.state.live.close()
                await warmed

    app = FastAPI(
        title="TradeOps dashboard",
        version=importlib.metadata.version("tradeops"),
        summary="Read-only. Money is text with its decimals, times are RFC 3339 in UTC, what is missing is null.",
        lifespan=at_work,
        openapi_url=OPENAPI,
        docs_url=None,  # both load scripts of other hosts
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.rules = Rules.of(settings)
    tell_problems(app)
    for part in (api, metrics, live, status):
        app.include_router(part.router, responses=DOCUMENTED)
    for part in (login, assets, pages):
        app.include_router(part.router)
    return app


def guarded(app: FastAPI) -> Door:
    """The application behind its door: what a server serves."""
    return Door(app, app.state.rules, refuse)


def _warm() -> None:
    """Compress the large script before the first visitor waits for it."""
    if assets.asset(assets.PLOTLY) is not None:
        assets.packed(assets.PLOTLY)
