"""The steps of the performance analysis: gather trades and equity, judge them, keep the verdict once a day."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from tradeops.adapters.snapshot.wire import KeptAnalysis, kept_analysis
from tradeops.adapters.store import Point
from tradeops.domain.figures import Amount, known_amount, unknown_amount
from tradeops.domain.health import Severity
from tradeops.domain.performance import TradeColumns, Window, equity_at
from tradeops.domain.performance_report import HISTORY_DAYS, WEEK, DayRecord, Facts, PerformanceReport, assess
from tradeops.domain.performance_verdict import Bar, Bars, Metric
from tradeops.domain.trade_history import Bookkeeping, bookkeeping
from tradeops.errors import ContractError, RejectedError, TradeOpsError
from tradeops.jobs.reports import trades
from tradeops.jobs.reports.performance_beside import Beside, beside
from tradeops.jobs.reports.performance_record import SERIES, as_fields, event_payload, latest, record, share
from tradeops.jobs.reports.trades import Collected
from tradeops.settings import Settings
from tradeops.wiring import Desk

__all__ = [
    "CRITICAL_EVENT",
    "JOB",
    "RESOURCE",
    "SERIES",
    "WEEK",
    "Account",
    "as_fields",
    "attempt",
    "beside",
    "checked",
    "collect",
    "decide",
    "earlier_days",
    "event_payload",
    "latest",
    "produce",
    "read_balance",
    "read_initial_balance",
    "record",
    "share",
]

JOB = "daily-performance-analysis"
CRITICAL_EVENT, RESOURCE = "tradeops.performance.critical", "tradeops.performance.portfolio"
MOST_DAYS = 90
STATUS_OF = {"good": Severity.HEALTHY, "warning": Severity.DEGRADED, "critical": Severity.CRITICAL}

T = TypeVar("T")
log = logging.getLogger(__name__)
collect = trades.collect


@dataclass(frozen=True, slots=True)
class Account:
    """What the engine says of its money; a read that failed is its error.

    Attributes:
        balance: realised, USDT, now.
        initial_balance: what it begins anew with.
    """

    balance: Decimal | TradeOpsError
    initial_balance: Decimal | TradeOpsError


@dataclass(frozen=True, slots=True)
class Asked:
    """Which days are asked for.

    Attributes:
        on: the day of the analysis; its window ends where it begins.
        days: whole UTC days of the window.
        now: when gathering begins, aware UTC.
    """

    on: date
    days: int
    now: datetime

    @property
    def window(self) -> Window:
        """The days that are analysed."""
        return Window.before(self.on, days=self.days)


def checked(day: date | None, *, days: int, now: datetime) -> Asked:
    """What is asked for; no date is today's, UTC.

    Raises:
        RejectedError: the day is in the future, or there are not 1 to 90 days.
    """
    on = day or now.date()
    if on > now.date():
        raise RejectedError(JOB, f"{on} is in the future: it is {now:%Y-%m-%d} in UTC", remedy="ask for an earlier day")
    if not 1 <= days <= MOST_DAYS:
        raise RejectedError(JOB, f"{days} days cannot be analysed", remedy=f"ask for 1 to {MOST_DAYS}")
    return Asked(on, days, now)


async def read_balance(desk: Desk) -> Decimal:
    """The engine's realised balance now, USDT."""
    return (await desk.engine.portfolio()).value.balance


async def read_initial_balance(desk: Desk) -> Decimal:
    """What the engine begins with when it is reset, USDT."""
    return (await desk.engine.basic_settings()).value.initial_balance


async def earlier_days(desk: Desk, on: date) -> list[KeptAnalysis]:
    """The kept analyses of the days up to `on`, itself included, the oldest first; damaged ones are left out."""
    end = Window.of_day(on).until
    points = await desk.store.points(SERIES, since=end - timedelta(days=MOST_DAYS), until=end)
    return [kept for point in points if (kept := _kept(point)) is not None]


async def attempt(reading: Awaitable[T]) -> T | TradeOpsError:
    """What was read, or the typed error in its place: the report is then made without it, and says so."""
    try:
        return await reading
    except TradeOpsError as error:
        return error


async def produce(desk: Desk, *, date: date | None, now: datetime, days: int = WEEK) -> PerformanceReport:
    """Gather and decide in one call.

    Raises:
        RejectedError: a date or number of days that cannot be analysed.
        TradeOpsError: the engine's trades cannot be read.
    """
    asked = checked(date, days=days, now=now)
    collected, balance, initial_balance, earlier, aside = await asyncio.gather(
        attempt(collect(desk)),
        attempt(read_balance(desk)),
        attempt(read_initial_balance(desk)),
        attempt(earlier_days(desk, asked.on)),
        beside(desk, asked.window),
    )
    account = Account(balance, initial_balance)
    return await asyncio.to_thread(decide, asked, collected, account, earlier, aside, desk.settings)


def decide(
    asked: Asked,
    collected: Collected | TradeOpsError,
    account: Account,
    earlier: Sequence[KeptAnalysis] | TradeOpsError,
    aside: Beside,
    settings: Settings,
) -> PerformanceReport:
    """The verdict on what was gathered.

    Raises:
        TradeOpsError: no trades were; without them there is no verdict.
    """
    if isinstance(collected, TradeOpsError):
        raise collected
    columns = TradeColumns.of(collected.history.trades)
    initial = None if isinstance(account.initial_balance, TradeOpsError) else account.initial_balance
    balance, books = _balance(account), None
    if balance.value is not None:
        books = bookkeeping(collected.history, balance=balance.value, initial_balance=initial, now=asked.now)
    account_trades = books.account if books else collected.history.trades
    mine = columns if account_trades is collected.history.trades else TradeColumns.of(account_trades)
    since = books.account_since if books else None
    starts = [Window.before(asked.on - timedelta(days=n), days=asked.days).since for n in range(HISTORY_DAYS)]
    equities = {start: equity_at(start, mine, balance=balance, account_since=since) for start in starts}
    kept = [] if isinstance(earlier, TradeOpsError) else earlier
    return assess(
        Facts(
            trades=columns,
            equities={start: equity.usd for start, equity in equities.items()},
            equity_label=equities[starts[0]].label,
            started_at=asked.now,
            finished_at=max(asked.now, datetime.now(UTC)),
            data_as_of=collected.listed.as_of or asked.now,
            earlier=tuple(_day_record(one) for one in kept),
            kept_at=next((one.finished_at for one in kept if one.date == asked.on), None),
            missing=tuple(_missing(collected, account, earlier)),
            notes=tuple(_notes(asked, collected, books, settings, columns)),
            open_since=aside.open_since,
            btc=aside.btc,
        ),
        on=asked.on,
        days=asked.days,
        bars=bars(settings),
    )


def bars(settings: Settings) -> Bars:
    """Where good ends, by the settings."""
    return Bars(
        win_rate_percent=Bar(settings.win_rate_target_percent, settings.win_rate_critical_percent),
        average_profit_percent=Bar(settings.average_profit_target_percent, settings.average_profit_critical_percent),
        sharpe_ratio=Bar(settings.sharpe_target, settings.sharpe_critical),
    )


def _balance(account: Account) -> Amount:
    if isinstance(account.balance, TradeOpsError):
        return unknown_amount(f"the engine's portfolio could not be read: {account.balance.problem}")
    return known_amount(account.balance)


def _missing(collected: Collected, account: Account, earlier: Sequence[KeptAnalysis] | TradeOpsError) -> list[str]:
    missing = [collected.trouble] if collected.trouble else []
    if isinstance(account.balance, TradeOpsError):
        missing.append(f"without the balance there is no Sharpe ratio: {account.balance.problem}")
    if isinstance(earlier, TradeOpsError):
        missing.append(f"earlier analyses cannot be read, days in a row are not known: {earlier.problem}")
    return missing


def _notes(
    asked: Asked, collected: Collected, books: Bookkeeping | None, settings: Settings, columns: TradeColumns
) -> list[str]:
    rejected = (*collected.listed.rejected, *columns.rejected)
    skew = collected.listed.clock_skew
    first = min((trade.closed_at for trade in collected.history.trades), default=None)
    notes = [books.memory.value] if books and books.memory.value else []
    if rejected:
        notes.append(f"{len(rejected)} records of trades were left out, the first because {rejected[0].problem}")
    if collected.history.changed:
        notes.append(f"{len(collected.history.changed)} closed trades have changed; they count as they were first seen")
    if skew is not None and abs(skew.total_seconds()) > settings.clock_skew_limit_seconds:
        notes.append(f"the engine's clock is {skew.total_seconds():+.0f} s off ours")
    if first is not None and first > asked.window.since:
        notes.append(f"no trade before {first:%Y-%m-%d %H:%M} UTC is known: the window may not be whole")
    return notes


def _kept(point: Point) -> KeptAnalysis | None:
    try:
        return kept_analysis(point.body, source=f"the analysis of {point.key}")
    except ContractError as error:
        log.warning("%s", error)
        return None


def _day_record(kept: KeptAnalysis) -> DayRecord:
    values = {
        Metric.WIN_RATE: kept.win_rate,
        Metric.AVERAGE_PROFIT: kept.avg_profit_per_trade,
        Metric.SHARPE: kept.sharpe_ratio,
    }
    statuses = {
        Metric.WIN_RATE: kept.performance.win_rate_status,
        Metric.AVERAGE_PROFIT: kept.performance.avg_profit_per_trade_status,
        Metric.SHARPE: kept.performance.sharpe_ratio_status,
    }
    return DayRecord(
        kept.date,
        {metric: value for metric, value in values.items() if value is not None},
        {metric: STATUS_OF[status] for metric, status in statuses.items() if status in STATUS_OF},
    )
