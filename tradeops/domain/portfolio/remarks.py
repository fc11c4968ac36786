"""What a reader of a portfolio report must be told besides its figures."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from tradeops.domain.health import Severity
from tradeops.domain.portfolio.report import PortfolioReport
from tradeops.domain.portfolio.trading import Trading
from tradeops.domain.trade_history import CENT, Memory

STALE_AFTER = timedelta(minutes=15)
NAMED = 3
DEPOSIT = "a deposit, a withdrawal, a reset, or trades that we never saw"


def severity_of(report: PortfolioReport) -> Severity:
    """Degraded when anything needs attention; a portfolio report is never critical, it has no limits."""
    return Severity.DEGRADED if attention(report) else Severity.HEALTHY


def attention(report: PortfolioReport) -> tuple[str, ...]:
    """What makes the report incomplete or doubtful, or is wrong with the engine."""
    return tuple(_attention(report))


def notes(report: PortfolioReport) -> tuple[str, ...]:
    """What explains figures, without anything being wrong now."""
    return tuple(_notes(report))


def _attention(report: PortfolioReport) -> Iterator[str]:
    facts = report.facts
    for source, problem in facts.missing.items():
        yield f"the engine's {source} could not be read: {problem}"
    yield from facts.trouble
    worth = report.balance.value if report.equity.value is None else report.equity.value
    if worth is not None and worth <= 0:
        yield f"nothing is left of the account: {_signed(worth)} USDT"
    if report.is_running is False:
        yield "the engine is stopped: it opens no trades, and no stop-loss or take-profit of open positions works"
    if facts.status and not facts.past and (age := facts.as_of - facts.status.last_updated) > STALE_AFTER:
        yield f"the data are stale: the engine last touched its portfolio {_hours(age)} before it answered"
    if facts.damaged:
        named = "; ".join(f"{record.record}: {record.problem}" for record in facts.damaged[:NAMED])
        yield f"{_counted(len(facts.damaged), 'record')} left out, missing from all figures: {named}"
    if facts.from_the_future:
        yield f"{_counted(facts.from_the_future, 'trade')} left out, closed in the future by the engine's own clock"
    if facts.history and facts.history.changed:
        named = ", ".join(facts.history.changed[:NAMED])
        changed = _counted(len(facts.history.changed), "closed trade")
        yield f"{changed} no longer as first seen; what we saw first counts: {named}"
    skew = facts.account.clock_skew
    if skew is not None and abs(skew) > facts.clock_skew_limit:
        side = "ahead of" if skew > timedelta(0) else "behind"
        yield f"the engine's clock is {abs(skew).total_seconds():.0f} s {side} ours"


def _notes(report: PortfolioReport) -> Iterator[str]:
    facts, trading = report.facts, report.trading
    if facts.past:
        yield "a report of a past day: the balance is reconstructed from trades, and live figures are n/a"
    elif facts.account.value.equity is None and report.equity.value is not None:
        yield "equity is the balance and the marks of open positions: the engine does not say it"
    if not facts.past and not report.return_is_ours:
        yield "the total return is the engine's own figure: equity or initial balance is not known"
    if facts.duplicates:
        yield f"{_counted(facts.duplicates, 'trade')} listed more than once, and counted once"
    if trading is not None:
        yield from _of_trading(trading)
        yield from _of_books(trading, len(facts.history.forgotten) if facts.history else 0)


def _of_trading(trading: Trading) -> Iterator[str]:
    if not trading.whole.trades:
        yield "no trades"
        return
    if not trading.today.trades:
        yield "no trades today"
    if not trading.breakdown.attributed:
        yield "the engine does not say which strategy opened a trade: all are unattributed, shown by symbol instead"


def _of_books(trading: Trading, forgotten: int) -> Iterator[str]:
    books = trading.books
    if books.memory is not Memory.INTACT:
        yield f"{books.memory.value}; {_counted(forgotten, 'trade')} known from our own archive alone"
    if books.unexplained:
        gap = _signed(books.unexplained)
        yield f"the balance is {gap} USDT off what initial balance and trades add up to: {DEPOSIT}"
    change = trading.unexplained_since.value
    if change is not None and abs(change) >= CENT:
        told = _signed(change)
        yield f"since the report of the day before the balance changed by {told} USDT beyond its trades: {DEPOSIT}"


def _counted(number: int, thing: str) -> str:
    return f"1 {thing} is" if number == 1 else f"{number:,} {thing}s are"


def _signed(amount: Decimal) -> str:
    return f"{amount:+,.2f}"


def _hours(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours:.1f} h" if hours >= 1 else f"{age.total_seconds() / 60:.0f} min"
