"""A running service around a trivial application, and how to reach it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import psutil
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.faults import FaultBook
from sandbox.servers import Service, claim


async def _echo(request: Request) -> JSONResponse:
    return JSONResponse({"hello": request.url.path, "heard": (await request.body()).decode()})


@pytest.fixture
def echo_app() -> Starlette:
    return Starlette(routes=[Route("/{rest:path}", _echo, methods=["GET", "POST"])])


@pytest.fixture
def faults() -> FaultBook:
    return FaultBook()


@pytest.fixture
async def service(faults: FaultBook, echo_app: Starlette) -> AsyncIterator[Service]:
    echo = Service("echo", echo_app, claim(0), faults)
    await echo.open()
    yield echo
    await echo.close()


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=30, trust_env=False) as http:
        yield http


@pytest.fixture
def living_below() -> Callable[[Path], list[str]]:
    return _living_below


def _living_below(folder: Path) -> list[str]:
    """The processes whose environment or command speaks of this folder."""
    found = []
    for process in psutil.process_iter():
        try:
            name, words = process.name(), [*process.cmdline(), *process.environ().values()]
        except psutil.Error:
            continue
        if process.pid != psutil.Process().pid and any(str(folder) in word for word in words):
            found.append(name)
    return found
