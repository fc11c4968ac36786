"""A MongoDB-compatible server for the session, a database for each test, and whatever TEST_MONGODB_URL names."""

import os
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pymongo
import pytest

from tests.contract.store.stores import MongoServer, opened
from tradeops.adapters.store import Store
from tradeops.adapters.store.spooling import Patience

OTHERS = ["TEST_MONGODB_URL"] if os.environ.get("TEST_MONGODB_URL") else []
SERVERS = ["secantusdb", *OTHERS]
STORES = ["sqlite", *(f"{kind} on {server}" for server in SERVERS for kind in ("mongodb", "spooling"))]
UNHURRIED = Patience(write=timedelta(minutes=1), replay=timedelta(seconds=30))  # how long it waits has its own tests


@pytest.fixture(scope="session")
def session_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    server = MongoServer(tmp_path_factory.mktemp("mongodb"))
    server.start()
    yield server
    server.stop(signal.SIGKILL)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[MongoServer]:
    """Not started yet."""
    folder = tmp_path / "mongodb"
    folder.mkdir()
    server = MongoServer(folder)
    yield server
    server.stop(signal.SIGKILL)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a database that is dropped at the end."""
    name = f"tradeops_test_{uuid.uuid4().hex[:12]}"
    yield name
    for server in SERVERS:
        if server != "secantusdb" or "session_server" in request.fixturenames:
            with pymongo.MongoClient(url_of(server, request), serverSelectionTimeoutMS=2000) as client:
                client.drop_database(name)


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path, database: str) -> AsyncIterator[Store]:
    kind, _, server = request.param.partition(" on ")
    url = url_of(server, request) if server else ""
    async with opened(kind, home=tmp_path / "home", url=url, database=database, patience=UNHURRIED) as opened_store:
        yield opened_store


def url_of(server: str, request: pytest.FixtureRequest) -> str:
    if server == "secantusdb":
        found: MongoServer = request.getfixturevalue("session_server")
        return found.url
    return os.environ[server]
