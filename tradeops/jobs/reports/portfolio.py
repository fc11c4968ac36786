"""The steps of the portfolio report: read the engine and our own store, decide, keep the report of the day once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, TypeAlias

from tradeops.adapters.store import Point, Store
from tradeops.domain.portfolio.facts import PortfolioFacts, Source, StoredReport
from tradeops.domain.portfolio.portfolio import OpenTrade
from tradeops.domain.portfolio.report import PortfolioReport, portfolio_report
from tradeops.domain.readings import Reading
from tradeops.errors import RejectedError, TradeOpsError
from tradeops.jobs.reports import equity, trades
from tradeops.jobs.reports.portfolio_fields import as_fields
from tradeops.wiring import Desk

__all__ = ["SERIES", "as_fields", "gather", "produce", "record"]

SERIES = "portfolio_reports"
DAY = timedelta(days=1)

Step: TypeAlias = Callable[[], Awaitable[Any]]
Read: TypeAlias = Callable[[str, Step], Awaitable[Any]]


async def at_once(_: str, step: Step) -> Any:  # noqa: ANN401 - whatever the step yields
    """Read without a second try."""
    return await step()


async def produce(desk: Desk, *, date: date | None, now: datetime) -> PortfolioReport:
    """Gather and decide in one call, without retries.

    Raises:
        RejectedError: a day in the future.
        TradeOpsError: the engine does not tell its account; see `EngineClient`.
    """
    facts = await gather(desk, date=date, now=now)
    return portfolio_report(facts, finished_at=datetime.now(UTC))


async def gather(desk: Desk, *, date: date | None, now: datetime, read: Read = at_once) -> PortfolioFacts:
    """Everything that the report is made of; without the account there is none, all else may be missing.

    Args:
        desk: the engine and the store.
        date: of the report, UTC; `None` is today.
        now: our clock.
        read: makes one read, by its name; the flow's retries it.

    Raises:
        RejectedError: a day in the future.
        TradeOpsError: the engine does not tell its account; see `EngineClient`.
    """
    day = date or now.astimezone(UTC).date()
    if day > now.astimezone(UTC).date():
        raise RejectedError("settings", f"{day} is in the future", remedy="give a day that has begun in UTC")
    engine = desk.engine
    account = await read("account", engine.portfolio)
    looks: dict[Source, Step] = {
        Source.CLOSED_TRADES: partial(trades.collect, desk),
        Source.OPEN_TRADES: engine.open_trades,
        Source.STATUS: engine.status,
        Source.SETTINGS: engine.basic_settings,
        Source.PRICES: engine.prices,
    }
    (found, missing), remembered = await asyncio.gather(_tried(looks, read), _remembered(desk.store, day))
    again = await read("account", engine.portfolio)
    if again.value.balance != account.value.balance:  # a trade closed in between: read what belongs to that balance
        moved = {source: looks[source] for source in (Source.CLOSED_TRADES, Source.OPEN_TRADES)}
        newer, gone = await _tried(moved, read)
        found, missing = found | newer, {s: p for s, p in missing.items() if s not in newer} | gone
    return _facts(desk, PortfolioFacts(day, now, again, missing=missing), found, remembered)


async def record(desk: Desk, report: PortfolioReport, *, run_id: str) -> str:
    """Keep the report of its day, once, and what the account was seen to be worth.

    Returns:
        Empty when it is kept; when the day already has a report, which stays, the words to tell so.

    Raises:
        UnavailableError: the store could neither keep it nor put it aside for later.
    """
    day, fields = report.day.isoformat(), as_fields(report, run_id=run_id)
    if not report.facts.past and report.equity.value is not None:
        await equity.observe(desk.store, report.equity.value, at=report.data_as_of)
    if await desk.store.add_point(SERIES, Point(day, _within(report), fields)):
        return ""
    first = await stored(desk.store, report.day)
    if first is None or first.run_id == run_id:
        return ""
    at = f"{first.stored_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{day} was already reported at {at}; the figures of this run are shown, not stored"


async def stored(store: Store, day: date) -> StoredReport | None:
    """The report of a day as it was stored; `None` when there is none.

    Raises:
        UnavailableError: the store does not answer.
    """
    since = datetime.combine(day, time(), tzinfo=UTC)
    points = await store.points(SERIES, since=since, until=since + DAY)
    return next((_report_of(day, point.body) for point in points if point.key == day.isoformat()), None)


async def _tried(looks: Mapping[Source, Step], read: Read) -> tuple[dict[Source, Any], dict[Source, str]]:
    """What could be read, and why the rest could not."""

    async def look(source: Source, step: Step) -> Any:  # noqa: ANN401 - whatever the step yields
        try:
            return await read(source, step)
        except TradeOpsError as error:
            return error

    found = dict(zip(looks, await asyncio.gather(*(look(s, step) for s, step in looks.items())), strict=True))
    missing = {source: answer.problem for source, answer in found.items() if isinstance(answer, TradeOpsError)}
    return {source: answer for source, answer in found.items() if source not in missing}, missing


async def _remembered(
    store: Store, day: date
) -> tuple[StoredReport | None, Mapping[datetime, Decimal], tuple[str, ...]]:
    midnight = datetime.combine(day, time(), tzinfo=UTC)
    try:
        return await stored(store, day - DAY), await equity.observed_near(store, midnight, midnight + DAY), ()
    except TradeOpsError as error:
        return None, {}, (f"our store could not be read, so nothing is compared with the day before: {error.problem}",)


def _facts(
    desk: Desk,
    facts: PortfolioFacts,
    found: Mapping[Source, Any],
    remembered: tuple[StoredReport | None, Mapping[datetime, Decimal], tuple[str, ...]],
) -> PortfolioFacts:
    before, observed, trouble = remembered
    collected: trades.Collected | None = found.get(Source.CLOSED_TRADES)
    open_trades: Reading[tuple[OpenTrade, ...]] | None = found.get(Source.OPEN_TRADES)
    readings = (collected.listed if collected else None, open_trades)
    return replace(
        facts,
        status=_value(found.get(Source.STATUS)),
        open_trades=_value(open_trades),
        history=collected.history if collected else None,
        settings=_value(found.get(Source.SETTINGS)),
        prices=_value(found.get(Source.PRICES)),
        observed=observed,
        before=before,
        trouble=(*trouble, *([collected.trouble] if collected and collected.trouble else [])),
        rejected=tuple(record for reading in readings if reading for record in reading.rejected),
        clock_skew_limit=timedelta(seconds=desk.settings.clock_skew_limit_seconds),
    )


def _value(reading: Reading[Any] | None) -> Any:  # noqa: ANN401 - whatever was read
    return None if reading is None else reading.value


def _within(report: PortfolioReport) -> datetime:
    """A moment of the report's day, by which it is found; the engine's clock may already be in the next."""
    start = report.facts.day_start
    return min(max(report.data_as_of, start), start + DAY - timedelta.resolution)


def _report_of(day: date, body: Mapping[str, Any]) -> StoredReport:
    def amount(name: str) -> Decimal | None:
        return None if body.get(name) is None else Decimal(body[name])

    return StoredReport(
        day=day,
        run_id=body["run_id"],
        data_as_of=datetime.fromisoformat(body["data_as_of"]),
        stored_at=datetime.fromisoformat(body["finished_at"]),
        balance=amount("balance"),
        equity=amount("equity"),
        realised=amount("realised_pnl"),
        total_return_percent=body.get("total_return_pct"),
        win_rate_percent=body.get("win_rate"),
        total_trades=body.get("total_trades"),
    )
