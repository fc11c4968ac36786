"""The dashboard in a real browser: every page after a night of each scenario, for people with and without sight."""

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import schemathesis
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.browser.nights import Dashboard, dashboard_of
from tests.contract.probes.conftest import program
from tests.e2e.test_up import CHROMIUM
from tradeops.domain.incidents.model import CERTAIN, Observation
from tradeops.domain.notices import Level
from tradeops.jobs.alerts import alerting
from tradeops.jobs.window import histories
from tradeops.wiring import open_guard

pytestmark = pytest.mark.e2e

LAPTOP = ViewportSize(width=1366, height=768)
PHONE = ViewportSize(width=360, height=740)
SCENARIOS = ("healthy", "degrading", "crash", "flaky", "losing")
SEEN = {  # what the first screen must say after a night of it
    "healthy": ("Healthy", "None is open", "in time", "trading"),
    "degrading": ("Critical", "frontend", "performance:win-rate", "retrain 0.95", "the retrain is started"),
    "crash": ("Critical", "engine", "refused the connection", "no analysis is kept yet"),
    "flaky": ("None is open", "trading"),
    "losing": ("Critical", "brake:portfolio", "off", "no decision"),
}
LISTS = ("Incidents", "Decisions", "Reports", "Backtests", "Optimisations", "Audit")
WITH_ONE = ("Incidents", "Decisions", "Reports", "Backtests", "Optimisations")
SERIOUS = {"serious", "critical"}
PATIENCE_MS = 90_000  # machines are busy; what works takes a fraction of a second


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Dashboard]]:
    """A dashboard after a night of each scenario, all played at once."""

    homes = {scenario: tmp_path_factory.mktemp(scenario) for scenario in SCENARIOS}

    def begin(scenario: str) -> Any:  # noqa: ANN401 - a context manager that is entered elsewhere
        there = dashboard_of(scenario, homes[scenario], laboratory=scenario == "degrading")
        return there, there.__enter__()

    with ExitStack() as stack, ThreadPoolExecutor(len(SCENARIOS)) as together:
        begun = {scenario: together.submit(begin, scenario) for scenario in SCENARIOS}
        found = {}
        for scenario, future in begun.items():
            there, found[scenario] = future.result()
            stack.push(there)
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program("chromium"), args=list(CHROMIUM), ignore_default_args=["--headless"]
        )
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a tab; at the end none has had an error in its console, nor an answer that is one."""
    wrong: list[str] = []
    contexts = []

    def opened(address: str, **options: Any) -> Page:  # noqa: ANN401 - of the browser's context
        context = browser.new_context(**({"viewport": LAPTOP} | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        page.on("console", lambda said: wrong.append(f"{page.url}: {said.text}") if said.type == "error" else None)
        page.on("response", lambda got: wrong.append(f"{got.status} {got.url}") if got.status >= 400 else None)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not wrong


def faults_of(page: Page) -> list[str]:
    """What axe finds serious, with the first place of each."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{page.url}: {one['help']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in SERIOUS]


def width_of(page: Page) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width


def drawn(page: Page) -> int:
    """How many charts a page has, once all are drawn."""
    page.locator("html[data-drawn]").wait_for(state="attached")
    return page.locator("[data-chart]:has(.main-svg)").count()


def elsewhere(work: Callable[[], Awaitable[object]]) -> None:
    """In a thread of its own: this one's event loop is the browser's."""
    thread = threading.Thread(target=lambda: asyncio.run(work()))  # type: ignore[arg-type]
    thread.start()
    thread.join()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_click_leads_to_every_page_and_each_has_something_to_say(
    nights: dict[str, Dashboard], open_page: Callable[..., Page], scenario: str
) -> None:
    page = open_page(nights[scenario].address)
    text = page.locator("main").text_content() or ""
    assert [word for word in SEEN[scenario] if word not in text] == []
    assert page.evaluate("document.documentElement.scrollHeight") <= LAPTOP["height"], "one screen, no scrolling"
    assert width_of(page) <= LAPTOP["width"]
    faults = faults_of(page)
    for name in LISTS:
        page.get_by_role("navigation").get_by_role("link", name=name).click()
        assert page.get_by_role("heading", level=1).inner_text()
        assert page.get_by_role("navigation").locator("[aria-current=page]").inner_text() == name
        faults += faults_of(page) if scenario == "degrading" else []
        first = page.locator("main tbody a[href^='/']").first
        if name in WITH_ONE and first.count():
            first.click()
            page.wait_for_url(re.compile(rf"/{name.lower()}/."))
            assert page.get_by_role("heading", level=1).inner_text()
            faults += faults_of(page) if scenario == "degrading" else []
        else:
            assert scenario != "degrading" or name == "Audit", f"there is no {name}"
    assert not faults


def test_the_figures_of_a_chart_are_there_as_a_table_too(
    nights: dict[str, Dashboard], open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{nights['degrading'].address}/backtests")
    page.locator("main tbody a").first.click()
    assert drawn(page) == 2
    page.get_by_text("Table").first.click()
    assert page.locator("#equity-table tbody tr").count() > 5
    page.get_by_role("navigation").get_by_role("link", name="Optimisations").click()
    page.locator("main tbody a").first.click()
    assert drawn(page) >= 2
    assert page.locator(".heatmaplayer image").count() >= 2


def test_nothing_is_wider_than_a_phone_in_the_dark(
    nights: dict[str, Dashboard], open_page: Callable[..., Page]
) -> None:
    page = open_page(nights["degrading"].address, viewport=PHONE, color_scheme="dark")
    faults, wide = faults_of(page), {}
    for name in LISTS:
        page.goto(f"{nights['degrading'].address}/{name.lower()}")
        wide[name] = width_of(page)
        first = page.locator("main tbody a[href^='/']").first
        if name in WITH_ONE:
            first.click()
            page.wait_for_url(re.compile(rf"/{name.lower()}/."))
            wide[f"one of {name}"] = width_of(page)
    assert {name: width for name, width in wide.items() if width > PHONE["width"]} == {}
    assert not faults


def test_theme_range_and_zone_are_chosen_and_kept(nights: dict[str, Dashboard], open_page: Callable[..., Page]) -> None:
    page = open_page(nights["healthy"].address, color_scheme="light")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Use the dark theme").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.get_by_role("link", name="7d").click()
    page.wait_for_url(re.compile("range=7d"))  # whole: before its script runs, nobody listens to the choice of a zone
    page.get_by_label("Time zone").select_option("Asia/Tokyo")
    page.wait_for_url(re.compile("tz=Asia"))
    assert "range=7d" in page.url
    assert page.get_by_role("list", name="Time range").locator("[aria-current]").inner_text() == "7d"
    assert page.locator("#services time").first.get_attribute("title").endswith("JST")  # type: ignore[union-attr]
    assert page.get_by_role("button", name="Use the light theme").count() == 1, "the theme outlives the page"
    page.get_by_role("navigation").get_by_role("link", name="Incidents").click()
    assert "tz=Asia" in page.url


def test_a_keyboard_gets_past_the_navigation(nights: dict[str, Dashboard], open_page: Callable[..., Page]) -> None:
    page = open_page(nights["healthy"].address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    page.locator("main :focus").first.wait_for(state="attached")  # a panel renewed meanwhile has it back in a frame


def test_one_of_each_list_is_told_to_programs_as_the_document_says(nights: dict[str, Dashboard]) -> None:
    address = nights["degrading"].address
    document = schemathesis.openapi.from_url(f"{address}/api/openapi.json")

    def told(route: str, *ids: str) -> Any:  # noqa: ANN401 - JSON
        answer = httpx.get("/".join([address + route.partition("/{")[0], *(quote(one, safe="") for one in ids)]))
        assert answer.status_code == 200, answer.text
        document[route]["GET"].validate_response(answer)
        return answer.json()

    incident = told("/api/incidents")["open"][0]
    assert told("/api/incidents/{incident_id}", incident["incident_id"])["line"] == incident
    decision = told("/api/decisions")["decisions"][0]
    assert told("/api/decisions/{decision_id}", decision["decision_id"])["line"] == decision
    report = told("/api/reports")["reports"][0]
    assert told("/api/reports/{kind}/{key}", report["kind"], report["key"])["line"] == report
    backtest = told("/api/backtests")["backtests"][0]
    assert told("/api/backtests/{backtest_id}", backtest["backtest_id"])["line"] == backtest
    optimisation = told("/api/optimisations")["optimisations"][0]
    assert told("/api/optimisations/{optimisation_id}", optimisation["optimisation_id"])["line"] == optimisation
    assert told("/api/audit")["events"]
    assert told("/api/overview")["trading"]["content"]["trades"] > 0


def test_without_a_script_a_page_says_the_same(nights: dict[str, Dashboard], open_page: Callable[..., Page]) -> None:
    page = open_page(nights["degrading"].address, java_script_enabled=False)
    text = page.locator("main").text_content() or ""
    assert [word for word in SEEN["degrading"] if word not in text] == []


def test_what_happens_is_seen_at_once_and_a_dashboard_that_ends_is_not_taken_for_live(
    tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "BREATH_SECONDS", 1.0)  # so that the page comes while history is being read

    async def break_something() -> None:
        broken = Observation("redis", Level.CRITICAL, "no answer to <b>PING</b>", datetime.now(UTC), CERTAIN)
        async with open_guard(there.settings) as ground:
            await alerting.tell(ground, [broken], source="health", run_id="by-hand")

    context = browser.new_context(viewport=LAPTOP)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    with dashboard_of(None, tmp_path) as there:
        page.goto(there.address)
        assert "None is open" in page.locator("#incidents").inner_text()
        page.locator("#services").get_by_text("health check is kept yet").wait_for()
        assert "RUST_API_URL" in page.locator("#top").inner_text()
        page.get_by_text("live", exact=True).wait_for()
        elsewhere(break_something)
        page.get_by_text("no answer to <b>PING</b>").first.wait_for()
        assert page.title().startswith("✗ critical")
    page.get_by_text(re.compile("^not live since ")).wait_for()
    context.close()
