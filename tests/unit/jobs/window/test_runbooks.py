"""Each incident's page names what to do, and that page is there."""

import re
from pathlib import Path

import pytest

from tradeops.jobs.window.incidents import RUNBOOKS, runbook_of

DOCS = Path(__file__).parents[4] / "docs"
FOLDER = DOCS / "runbooks"
PARTS = re.findall(r"^\| `(\w+)` \|", (DOCS / "health.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", sorted({name for _, name in RUNBOOKS}))
def test_a_runbook_that_is_named_is_there(name: str) -> None:
    assert (FOLDER / f"{name}.md").is_file()


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("brake:portfolio", "strategy-disabled"),
        ("brake-unconfirmed:symbol:ETHUSDT", "disable-not-confirmed"),
        ("brake-flipped:rsi", "enabled-again"),
        ("guard:figures", "figures-unknown"),
        ("prefect:server", "server-gone"),
        ("run:silent", "run-lost"),
        ("job:model-watch", "job-did-not-work"),
        ("cost:monthly", "cost-limit"),
    ],
)
def test_the_page_of_an_incident_is_that_of_its_kind(key: str, name: str) -> None:
    assert runbook_of(key) == name


def test_every_part_of_the_health_check_has_one() -> None:
    assert len(PARTS) == 12
    assert [part for part in PARTS if runbook_of(part) is None] == []
