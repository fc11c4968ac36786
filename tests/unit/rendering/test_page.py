"""A page is neutral, and refuses tables that do not add up."""

import pytest

from tests.unit.rendering.pages import page
from tradeops.domain.health import Severity
from tradeops.rendering.page import Column, Strong, Table, spans


@pytest.mark.parametrize(
    ("severity", "mark"),
    [(Severity.HEALTHY, "✓"), (Severity.DEGRADED, "▲"), (Severity.CRITICAL, "✗"), (None, "○")],
)
def test_the_headline_carries_the_mark_of_the_verdict(severity: Severity | None, mark: str) -> None:
    assert page(title="So it is", severity=severity).headline == f"{mark} So it is"


@pytest.mark.parametrize("row", [("1",), ("1", "2", "3")], ids=["too short", "too long"])
def test_a_row_that_does_not_fit_the_columns_is_refused(row: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="cells in a table of 2 columns"):
        Table((Column("a"), Column("b")), (("1", "2"), row))


def test_a_line_may_be_one_text_or_pieces() -> None:
    assert spans("a") == ("a",)
    assert spans(Strong("a")) == (Strong("a"),)
    assert spans(("a", Strong("b"))) == ("a", Strong("b"))
