"""What the pages write, whatever the records hold."""

import re
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any, get_args, get_origin
from zoneinfo import ZoneInfo

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.unit.dashboard.filled import filled
from tradeops.dashboard import pages
from tradeops.domain.window import pages as models
from tradeops.domain.window.overview import Overview, StatusView
from tradeops.domain.window.values import Panel

HOSTILE = "<img src=x onerror=alert(1)>`&\"'</script>"
PAGES = {
    "/": Overview,
    "/incidents": models.IncidentList,
    "/incidents/a%2Fb": models.IncidentPage,
    "/decisions": models.DecisionList,
    "/decisions/2026-11-25": models.DecisionPage,
    "/reports": models.ReportList,
    "/reports/cost/2026-11-25": models.ReportPage,
    "/backtests": models.BacktestList,
    "/backtests/x": models.BacktestPage,
    "/optimisations": models.OptimisationList,
    "/optimisations/x": models.OptimisationPage,
    "/audit": models.AuditPage,
}


class Shows:
    """Stands where the window is: gives one read model for whatever is asked."""

    def __init__(self, model: object) -> None:
        self.model = model
        self.asked: list[tuple[object, ...]] = []
        self.sources = self.settings = self
        self.zone = ZoneInfo("UTC")

    def __getattr__(self, _: str) -> Any:  # noqa: ANN401
        async def answer(*asked: object) -> object:
            self.asked.append(asked)
            return self.model

        return answer


def site(model: object) -> TestClient:
    app = FastAPI()
    app.include_router(pages.router)
    app.state.window = Shows(model)
    app.state.rules = type("Rules", (), {"sessions": None})
    return TestClient(app)


@pytest.mark.parametrize(("address", "model"), PAGES.items(), ids=PAGES)
def test_what_is_kept_is_text_never_markup(address: str, model: type) -> None:
    answer = site(filled(model, HOSTILE)).get(address)
    assert answer.status_code == 200
    assert "<img" not in answer.text
    assert "&lt;img" in answer.text
    assert answer.text.count("<script") == answer.text.count("</script>")


@pytest.mark.parametrize(("address", "model"), PAGES.items(), ids=PAGES)
def test_what_is_missing_is_said_and_never_zero_or_none(address: str, model: type) -> None:
    answer = site(filled(model, "nobody looked yet", bare=True)).get(address)
    assert answer.status_code == 200
    words = re.sub(r"<script.*?</script>|<[^>]*>", " ", answer.text, flags=re.DOTALL)
    assert not re.search(r"\bNone\b(?! (is|in|was|of|open|kept|made))|\bnan\b|0\.0", words)
    assert re.search(r"nobody looked yet|n/a|None (is|was) |No |Nothing", words)


def test_an_overview_whose_every_figure_is_unknown_gives_the_reasons() -> None:
    view = filled(Overview, "words")
    bare = {
        one.name: replace(getattr(view, one.name), content=_bare(get_args(one.type)[0]))
        for one in fields(Overview)
        if get_origin(one.type) is Panel
    }
    text = site(replace(view, **bare)).get("/").text
    assert text.count("n/a<span") > 10
    assert not re.search(r">\s*None\s*<|>\s*0(\.0+)? %", text)


def _bare(content: Any) -> Any:  # noqa: ANN401 - a dataclass, or a tuple of one
    inner = get_args(content)
    return (filled(inner[0], "nobody looked yet", bare=True),) if inner else filled(content, "why", bare=True)


def test_what_is_older_than_it_should_be_is_shown_as_stale_with_its_age() -> None:
    view = filled(Overview, "words")
    later = replace(view, at=view.at + timedelta(hours=5))
    text = site(later).get("/").text
    assert re.search(r'id="costs" class="panel stale".*?stale, <time[^>]*>5 h</time> ago', text, re.DOTALL)
    fresh = replace(view, costs=replace(view.costs, stale=False))
    assert 'id="costs" class="panel"' in site(fresh).get("/").text


def test_a_link_that_is_none_of_http_is_shown_as_text() -> None:
    view = filled(models.IncidentPage, "words")
    bad = replace(view, runbook=models.Link("words", "javascript:alert(1)"))
    answer = site(bad).get("/incidents/x")
    assert "javascript:" not in answer.text


def test_links_carry_on_the_range_and_the_zone() -> None:
    answer = site(filled(models.IncidentList, "words")).get("/incidents?range=7d&tz=Asia/Tokyo")
    assert 'href="/decisions?range=7d&amp;tz=Asia%2FTokyo"' in answer.text
    assert "21:00:00 JST" in answer.text


@pytest.mark.parametrize("query", ["tz=Mars/Olympus", "tz=../../etc/passwd", "range=1y", "before=yesterday"])
def test_a_question_that_makes_no_sense_is_refused(query: str) -> None:
    assert site(filled(models.DecisionList, "words")).get(f"/decisions?{query}").status_code == 422


def test_the_public_page_says_states_only_and_leads_nowhere() -> None:
    view = filled(StatusView, "engine")
    text = bytes(pages.status_page(None, view, "").body).decode()  # type: ignore[arg-type]
    assert "engine" in text
    assert 'href="/"' not in text
    assert "$" not in re.sub(r"<[^>]*>", "", text)
    unknown = bytes(pages.status_page(None, None, "Nothing is known.").body).decode()  # type: ignore[arg-type]
    assert "Nothing is known." in unknown
