"""What is written down of lost runs, in a real store."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tradeops.adapters.store import Store, open_store
from tradeops.errors import ContractError
from tradeops.jobs.monitoring import lost_run_cases as cases
from tradeops.jobs.monitoring.lost_run_cases import Case, Step

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CASE = Case("r-1", "brave-newt", "adaptive-retrain", "d-1", "s-1", NOON.isoformat(), "quiet")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store("sqlite", home=tmp_path) as opened:
        yield opened


async def test_who_comes_second_goes_on_from_the_first_and_never_begins_anew(store: Store) -> None:
    await cases.opened(store, CASE)
    ended = await cases.stepped(store, replace(CASE, step=Step.ENDED))
    assert await cases.opened(store, CASE) == ended
    await cases.close(store, "r-1", now=NOON)
    await cases.opened(store, CASE)
    await cases.stepped(store, ended)
    docket = await cases.read(store)
    assert (docket.cases, docket.knows("r-1")) == ({}, True)


async def test_what_was_dealt_with_is_forgotten_at_last_but_an_open_case_never(store: Store) -> None:
    await cases.opened(store, CASE)
    await cases.close(store, "r-2", now=NOON)
    await cases.close(store, "r-3", now=NOON + timedelta(hours=7))
    docket = await cases.read(store)
    assert (list(docket.cases), list(docket.closed)) == (["r-1"], ["r-3"])


@pytest.mark.parametrize("body", [{"odd": 1}, {"cases": [], "closed": {}}, {"cases": {"r": 1}, "closed": {}}], ids=str)
async def test_what_a_newer_release_has_written_is_not_guessed_at(store: Store, body: dict[str, object]) -> None:
    await store.put(cases.COLLECTION, cases.DOCUMENT, body, expected_version=None)  # type: ignore[arg-type]
    with pytest.raises(ContractError, match="lost_runs/open cannot be read"):
        await cases.read(store)
