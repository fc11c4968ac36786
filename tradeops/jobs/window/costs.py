"""What language models cost, for the dashboard: of the last cost report, whose ledger knows both spenders."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from tradeops.adapters.store import ReadableStore
from tradeops.domain.figures import Amount, known_amount, unknown_amount
from tradeops.domain.heartbeats import RHYTHMS
from tradeops.domain.window.burn import burns, pace
from tradeops.domain.window.money import Costs, DayValue
from tradeops.domain.window.values import Panel, state_of
from tradeops.jobs.window.series import COSTS
from tradeops.settings import Settings

RHYTHM = RHYTHMS["daily-api-cost-report"]
NEVER = "no cost report is kept yet; it runs at 09:00 UTC, or now by its Prefect deployment"


async def panel(store: ReadableStore, settings: Settings, *, now: datetime) -> Panel[Costs]:
    """Burn-up of the month against its limits.

    Raises:
        UnavailableError: the store is down.
    """
    newest = await store.newest_point(COSTS)
    if newest is None:
        return Panel(None, NEVER)
    body: Any = newest.body
    full: Mapping[str, Any] = body.get("full_data") or {}
    as_of = datetime.fromisoformat(str(body["data_as_of"]))
    days: list[Mapping[str, Any]] = [one for one in full.get("days") or () if _in_month(one, as_of)]
    today = days[-1] if days else {}
    month = _amount(today.get("month_to_date_usd"), str(today.get("reason") or "the ledger does not know it yet"))
    projected = _amount(
        (body.get("projections") or {}).get("monthly_cost_usd"), "nobody projects it yet; it takes a day of readings"
    )
    a_day = pace(month, projected, as_of=as_of)
    totals = [(_date(one), total) for one in days if (total := _decimal(one.get("month_to_date_usd"))) is not None]
    limits = {"warning": settings.cost_monthly_warning_usd, "critical": settings.cost_monthly_critical_usd}
    found = Costs(
        today=_amount(today.get("total_usd"), str(today.get("reason") or "the ledger does not know it yet")),
        month=month,
        projected_month=projected,
        pace=a_day,
        burns=burns(limits, month, a_day, totals, as_of=as_of),
        days=tuple(DayValue(_date(one), _float(one.get("month_to_date_usd"))) for one in days),
        daily_warning=settings.cost_daily_warning_usd,
        daily_critical=settings.cost_daily_critical_usd,
        state=state_of(full.get("overall_status")),
        alerts=tuple(str(one["text"]) for one in body.get("alerts") or () if isinstance(one, Mapping)),
    )
    return Panel(found, as_of=as_of, stale=now - as_of > RHYTHM.every + RHYTHM.grace)


def _in_month(one: object, as_of: datetime) -> bool:
    return isinstance(one, Mapping) and str(one.get("date", "")).startswith(f"{as_of:%Y-%m-}")


def _date(one: Mapping[str, Any]) -> date:
    return date.fromisoformat(str(one["date"]))


def _amount(value: object, reason: str) -> Amount:
    found = _decimal(value)
    return unknown_amount(reason) if found is None else known_amount(found)


def _decimal(value: object) -> Decimal | None:
    try:
        found = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def _float(value: object) -> float | None:
    found = _decimal(value)
    return None if found is None else float(found)
