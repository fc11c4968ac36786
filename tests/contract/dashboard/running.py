"""A dashboard that really listens, within the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tradeops.adapters.store.opening import FILE
from tradeops.adapters.store.sqlite import SqliteStore
from tradeops.dashboard.serving import listen, server_of
from tradeops.settings import Settings

TOKEN = "correct-horse-battery"
PAGE = {"accept": "text/html,*/*;q=0.8"}
UNTIL_UP = 60.0


@asynccontextmanager
async def running(home: Path, *, begun: bool = True, **variables: object) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one that serves this home, with settings by their names; `begun` is whether a store is there."""
    if begun and not (home / FILE).exists():
        SqliteStore(home / FILE).close()
    settings = Settings.model_validate({"TRADEOPS_HOME": home, "TRADEOPS_DASHBOARD_PORT": 0, **variables})
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    sockets = listen(settings)
    server = server_of(settings, sockets[0].getsockname()[1], address.set_result)
    serving = asyncio.create_task(server.serve(sockets))
    try:
        async with asyncio.timeout(UNTIL_UP):
            await asyncio.wait([address, serving], return_when=asyncio.FIRST_COMPLETED)
        assert address.done(), await serving
        async with httpx.AsyncClient(base_url=address.result(), trust_env=False, timeout=30) as browser:
            yield browser
    finally:
        server.should_exit = True
        await serving
        for one in sockets:
            one.close()
