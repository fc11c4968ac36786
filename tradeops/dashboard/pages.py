"""The pages: each asks the window for one read model and writes it out. They need no script to say all."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.responses import HTMLResponse, Response

from tradeops.dashboard import templating
from tradeops.dashboard.charts import Chart, burn_chart, equity_chart, heat_chart, history_chart, months_chart
from tradeops.dashboard.questions import Before, window_of
from tradeops.domain.window.overview import Overview, StatusView
from tradeops.domain.window.values import Range
from tradeops.jobs.window import Window

PLACES = (  # name of the page that is current there, address, text
    ("overview", "/", "Overview"),
    ("incidents", "/incidents", "Incidents"),
    ("decisions", "/decisions", "Decisions"),
    ("reports", "/reports", "Reports"),
    ("backtests", "/backtests", "Backtests"),
    ("optimisations", "/optimisations", "Optimisations"),
    ("audit", "/audit", "Audit"),
)
ZONES = ("UTC", "America/New_York", "Europe/London", "Europe/Berlin", "Asia/Ho_Chi_Minh", "Asia/Tokyo")
RANGED = ("overview", "incidents")

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """What every page is asked.

    Attributes:
        range: how far back.
        zone: on whose clocks times are shown.
        kept: the parameters that links carry on, as they were asked; empty where they were not.
    """

    request: Request
    window: Window
    range: Range
    zone: ZoneInfo
    kept: Mapping[str, str]


def asked(
    request: Request,
    range: Annotated[Range, Query()] = Range.DAY,  # noqa: A002 - the name in the address
    tz: Annotated[str, Query(max_length=64)] = "",
) -> Asked:
    """The question behind an address; an unknown time zone is refused by name."""
    window = window_of(request)
    names = ("range", "tz", "kind", "before")
    kept = {name: request.query_params.get(name, "") for name in names}
    if tz and tz not in _zones():
        raise HTTPException(422, f"tz: there is no time zone {tz!r}; one is Europe/Berlin")
    zone = ZoneInfo(tz) if tz else window.sources.settings.zone
    return Asked(request, window, range, zone, kept)


Question = Annotated[Asked, Depends(asked)]
Kind = Annotated[str | None, Query(max_length=64)]


@router.get("/")
async def overview(question: Question) -> Response:
    """The one screen; it comes with the store and the engine down too, and says so."""
    view = await question.window.overview(question.range)
    return _page(question, "overview", "overview.html", view=view, charts=_charts_of(view, question.zone))


@router.get("/incidents")
async def incidents(question: Question) -> Response:
    """What is open, and what was."""
    return _page(question, "incidents", "incidents.html", view=await question.window.incidents(question.range))


@router.get("/incidents/{incident_id:path}")
async def incident(question: Question, incident_id: str) -> Response:
    """One incident with its history."""
    return _page(question, "incidents", "incident.html", view=await question.window.incident(incident_id))


@router.get("/decisions")
async def decisions(question: Question, before: Before = None) -> Response:
    """Decisions with votes and what became of them."""
    return _page(question, "decisions", "decisions.html", view=await question.window.decisions(before))


@router.get("/decisions/{decision_id:path}")
async def decision(question: Question, decision_id: str) -> Response:
    """One decision with all it rests on."""
    return _page(
        question, "decisions", "decision.html", view=await question.window.decision(decision_id, question.zone)
    )


@router.get("/reports")
async def reports(question: Question, kind: Kind = None, before: Before = None) -> Response:
    """The archive."""
    return _page(question, "reports", "reports.html", view=await question.window.reports(kind or None, before))


@router.get("/reports/{kind}/{key:path}")
async def report(question: Question, kind: str, key: str) -> Response:
    """One report."""
    return _page(question, "reports", "report.html", view=await question.window.report(kind, key, question.zone))


@router.get("/backtests")
async def backtests(question: Question) -> Response:
    """The latest backtests."""
    return _page(question, "backtests", "backtests.html", view=await question.window.backtests())


@router.get("/backtests/{backtest_id:path}")
async def backtest(question: Question, backtest_id: str) -> Response:
    """One backtest with its curve and its months."""
    view = await question.window.backtest(backtest_id, question.zone)
    curve = equity_chart("equity", view.curve, question.zone) if view.curve else None
    charts = {"equity": curve, "months": months_chart("months", view.months)}
    return _page(question, "backtests", "backtest.html", view=view, charts=charts)


@router.get("/optimisations")
async def optimisations(question: Question) -> Response:
    """The latest searches."""
    return _page(question, "optimisations", "optimisations.html", view=await question.window.optimisations())


@router.get("/optimisations/{optimisation_id:path}")
async def optimisation(question: Question, optimisation_id: str) -> Response:
    """One search with its heat maps, in and out of sample side by side."""
    view = await question.window.optimisation(optimisation_id, question.zone)
    maps = [
        tuple(heat_chart(f"map-{place}-{side}", one, outside=side == "outside") for side in ("inside", "outside"))
        for place, one in enumerate(view.maps)
    ]
    return _page(question, "optimisations", "optimisation.html", view=view, charts={"maps": maps})


@router.get("/audit")
async def audit(question: Question, kind: Kind = None, before: Before = None) -> Response:
    """The trail."""
    return _page(question, "audit", "audit.html", view=await question.window.audit(kind or None, before))


def error_page(_request: Request, status: int, title: str, detail: str, remedy: str) -> Response:
    """Why there is no answer, for people."""
    return _bare("error.html", status, title=title, detail=detail, remedy=remedy)


def login_page(_request: Request, *, problem: str, next_path: str, status: int) -> Response:
    """The form that asks for the token."""
    return _bare("login.html", status, problem=problem, next_path=next_path)


def status_page(_request: Request, view: StatusView | None, why: str) -> Response:
    """States only, for everybody; without navigation."""
    zone = ZoneInfo("UTC")
    return _bare("status.html", 200, view=view, why=why, zone=zone)


def _page(question: Asked, page: str, template: str, **more: object) -> HTMLResponse:
    kept = question.kept
    zone_name = str(question.zone)
    context = {
        "page": page,
        "places": PLACES,
        "path": question.request.url.path,
        "range": question.range if page in RANGED and template in {"overview.html", "incidents.html"} else None,
        "ranges": list(Range),
        "zone": question.zone,
        "zone_name": zone_name,
        "zones": ZONES if zone_name in ZONES else (zone_name, *ZONES),
        "kept": kept,
        "keep": templating.query(range=kept["range"], tz=kept["tz"]),
        "logout": question.request.app.state.rules.sessions is not None,
        "charts": {},
    }
    return HTMLResponse(_environment().get_template(template).render(context | more))


def _bare(template: str, status: int, **context: object) -> HTMLResponse:
    return HTMLResponse(_environment().get_template(template).render({"zone_name": "UTC"} | context), status)


def _charts_of(view: Overview, zone: ZoneInfo) -> dict[str, Chart | None]:
    money, costs, week = view.money.content, view.costs.content, view.performance.content
    targets = week.targets if week else ()
    return {
        "equity": equity_chart("equity", money.curve, zone, shown=(view.at - view.range.length, view.at))
        if money and money.curve
        else None,
        "burn": burn_chart("burn", costs) if costs else None,
        **{
            one.metric: history_chart(f"history-{one.metric}", one.label, one.history, one.target, one.unit)
            for one in targets
        },
    }


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


_environment = cache(templating.environment)
