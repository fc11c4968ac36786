"""All that the pages show, as JSON: money is text with its decimals, times are RFC 3339, what is missing is null.

Beside a null stands `reason` or `why`. Nothing here changes anything.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import TypeAdapter

from tradeops.dashboard.questions import Before, window_of
from tradeops.domain.window.overview import Overview
from tradeops.domain.window.pages import (
    AuditPage,
    BacktestList,
    BacktestPage,
    DecisionList,
    DecisionPage,
    IncidentList,
    IncidentPage,
    OptimisationList,
    OptimisationPage,
    ReportList,
    ReportPage,
)
from tradeops.domain.window.values import Range

router = APIRouter(prefix="/api", tags=["api"])

RANGE = Query(alias="range", description="How far back charts, strips and percentiles look.")

WRITERS: dict[type[Any], TypeAdapter[Any]] = {}

Looking = Annotated[Range, RANGE]
Name = Annotated[str, Path(min_length=1, max_length=200)]


@router.get("/overview", response_model=Overview)
async def overview(request: Request, looking: Looking = Range.DAY) -> Response:
    """The one screen; a panel without content says why."""
    return _answer(Overview, await window_of(request).overview(looking))


@router.get("/incidents", response_model=IncidentList)
async def incidents(request: Request, looking: Looking = Range.MONTH) -> Response:
    """The open incidents, and those of the range that are over."""
    return _answer(IncidentList, await window_of(request).incidents(looking))


@router.get("/incidents/{incident_id:path}", response_model=IncidentPage)
async def incident(request: Request, incident_id: Name) -> Response:
    """One incident with its history."""
    return _answer(IncidentPage, await window_of(request).incident(incident_id))


@router.get("/decisions", response_model=DecisionList)
async def decisions(request: Request, before: Before = None) -> Response:
    """Decisions about retraining, the newest first."""
    return _answer(DecisionList, await window_of(request).decisions(before))


@router.get("/decisions/{decision_id:path}", response_model=DecisionPage)
async def decision(request: Request, decision_id: Name) -> Response:
    """One decision with votes, rules, evidence and outcome."""
    return _answer(DecisionPage, await window_of(request).decision(decision_id))


@router.get("/reports", response_model=ReportList)
async def reports(
    request: Request,
    kind: Annotated[str | None, Query(max_length=50, description="One of `kinds`; all but health without it.")] = None,
    before: Before = None,
) -> Response:
    """Kept reports, the newest first."""
    return _answer(ReportList, await window_of(request).reports(kind, before))


@router.get("/reports/{kind}/{key:path}", response_model=ReportPage)
async def report(request: Request, kind: Name, key: Name) -> Response:
    """One report, laid out as facts, tables and lines."""
    return _answer(ReportPage, await window_of(request).report(kind, key))


@router.get("/backtests", response_model=BacktestList)
async def backtests(request: Request) -> Response:
    """The latest backtests."""
    return _answer(BacktestList, await window_of(request).backtests())


@router.get("/backtests/{backtest_id}", response_model=BacktestPage)
async def backtest(request: Request, backtest_id: Name) -> Response:
    """One backtest with its equity curve and months; the beginning of its id is enough."""
    return _answer(BacktestPage, await window_of(request).backtest(backtest_id))


@router.get("/optimisations", response_model=OptimisationList)
async def optimisations(request: Request) -> Response:
    """The latest searches for parameters."""
    return _answer(OptimisationList, await window_of(request).optimisations())


@router.get("/optimisations/{optimisation_id}", response_model=OptimisationPage)
async def optimisation(request: Request, optimisation_id: Name) -> Response:
    """One search with its heat maps; the beginning of its id is enough."""
    return _answer(OptimisationPage, await window_of(request).optimisation(optimisation_id))


@router.get("/audit", response_model=AuditPage)
async def audit(
    request: Request,
    kind: Annotated[str | None, Query(max_length=64, description="One kind of event; all without it.")] = None,
    before: Before = None,
) -> Response:
    """The audit trail, the newest first."""
    return _answer(AuditPage, await window_of(request).audit(kind, before))


def _answer(kind: type[Any], value: object) -> Response:
    """Written once: FastAPI's own way copies a dataclass twice, which costs ten times as long."""
    if kind not in WRITERS:
        WRITERS[kind] = TypeAdapter(kind)
    return Response(WRITERS[kind].dump_json(value), media_type="application/json")
