"""Opening a store: what stops it and what must not."""

import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from tradeops.adapters.store import open_store
from tradeops.adapters.store.spooling import SpoolingStore
from tradeops.adapters.store.sqlite import SqliteStore
from tradeops.errors import MisconfiguredError, UnavailableError

DEAD = "mongodb://user:sesame@127.0.0.1:1"


async def test_sqlite_lies_in_the_home_folder(tmp_path: Path) -> None:
    async with open_store("sqlite", home=tmp_path / "home") as store:
        assert isinstance(store, SqliteStore)
        assert await store.describe() == f"{tmp_path}/home/tradeops.sqlite, schema 3"


async def test_a_closed_store_answers_no_more(tmp_path: Path) -> None:
    async with open_store("sqlite", home=tmp_path) as store:
        pass
    with pytest.raises(UnavailableError, match="closed"):
        await store.describe()


async def test_a_mongodb_that_is_down_does_not_stop_it(tmp_path: Path) -> None:
    async with open_store("mongodb", home=tmp_path, mongodb_url=DEAD) as store:
        assert isinstance(store, SpoolingStore)
        assert (await store.pending()).waiting == 0


async def test_mongodb_without_an_address_says_which_variable_to_set(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match=r"MONGODB_URL is not set; set it.*or TRADEOPS_STORE=sqlite"):
        async with open_store("mongodb", home=tmp_path):
            pass


@pytest.mark.parametrize("kind", ["sqlite", "mongodb"])
async def test_a_home_that_cannot_be_written_stops_it_and_is_named(
    tmp_path: Path, kind: Literal["sqlite", "mongodb"]
) -> None:
    home = tmp_path / "home"
    home.write_text("a file in place of the folder, which stops root too")
    with pytest.raises(MisconfiguredError, match=f"{home}/.* cannot be written: .*TRADEOPS_HOME") as caught:
        async with open_store(kind, home=home, mongodb_url=DEAD):
            pass
    assert "sesame" not in str(caught.value)


def test_who_keeps_to_sqlite_does_not_load_mongodbs_driver(tmp_path: Path) -> None:
    code = """
import asyncio, pathlib, sys
from tradeops.adapters.store import open_store
async def main():
    async with open_store("sqlite", home=pathlib.Path(sys.argv[1])) as store:
        await store.describe()
asyncio.run(main())
assert "tradeops.adapters.store.sqlite" in sys.modules
print(sorted(name for name in sys.modules if name.split(".")[0] in {"pymongo", "bson"}))
"""
    said = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
