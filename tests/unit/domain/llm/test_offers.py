"""How long the configured model will be there."""

from datetime import date

import pytest

from tradeops.domain.health import Severity
from tradeops.domain.llm import OfferedModel, judge_offer

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("offered", "severity", "words"),
    [
        pytest.param([], Severity.HEALTHY, "", id="an endpoint that lists nothing"),
        pytest.param([OfferedModel("m")], Severity.HEALTHY, "", id="no end announced"),
        pytest.param([OfferedModel("m", date(2026, 12, 26))], Severity.HEALTHY, "", id="31 days"),
        pytest.param([OfferedModel("m", date(2026, 12, 25))], Severity.DEGRADED, "in 30 days", id="30 days"),
        pytest.param([OfferedModel("m", date(2026, 11, 26))], Severity.DEGRADED, "in 1 day:", id="tomorrow"),
        pytest.param([OfferedModel("m", TODAY)], Severity.CRITICAL, "was shut down on 2026-11-25", id="today"),
        pytest.param(
            [OfferedModel("n")],
            Severity.CRITICAL,
            "no longer offered: set OPENAI_MODEL to another; it offers n",
            id="gone",
        ),
        pytest.param(
            [OfferedModel(name) for name in "abcde"],
            Severity.CRITICAL,
            "it offers a, b, c and 2 more",
            id="gone, many others",
        ),
        pytest.param([OfferedModel("n", TODAY)], Severity.CRITICAL, "to another", id="gone, and the other ends"),
    ],
)
def test_a_model_that_ends_is_told_in_time(offered: list[OfferedModel], severity: Severity, words: str) -> None:
    found, problem = judge_offer(offered, "m", TODAY)
    assert found is severity
    assert words in problem
    assert bool(problem) is (severity is not Severity.HEALTHY)
