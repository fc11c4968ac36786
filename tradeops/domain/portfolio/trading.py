"""What closed trades say of an account, up to the end of a report."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tradeops.domain.figures import Amount, known_amount, unknown_amount
from tradeops.domain.performance import (
    Drawdown,
    Equity,
    EquityCurve,
    Performance,
    TradeColumns,
    Window,
    equity_at,
    equity_curve,
    measure,
)
from tradeops.domain.portfolio.breakdown import Breakdown, breakdown_of
from tradeops.domain.portfolio.facts import PortfolioFacts
from tradeops.domain.portfolio.portfolio import ClosedTrade
from tradeops.domain.position_risk import NO_FEE_RATE
from tradeops.domain.trade_history import Bookkeeping, TradeHistory, bookkeeping

INSTANT = timedelta.resolution


@dataclass(frozen=True, slots=True)
class Trading:
    """Figures of trades closed before the report's end.

    Attributes:
        whole: of all trades known, also those that the engine has forgotten.
        today: of the report's UTC day, so far.
        day_start: equity at 00:00 UTC of that day.
        balance: realised, at the report's end.
        drawdown: on realised equity of the account as it stands; it begins anew where the account did.
        curve: what it is measured on; `None` when there is nothing to draw.
        fees: estimated from the fee rate, entries and exits; trades carry none.
        books: whether the engine's balance is what trades add up to.
        unexplained_since: change of the balance since the report of the day before that no trade explains.
    """

    whole: Performance
    today: Performance
    day_start: Equity
    balance: Amount
    drawdown: Drawdown
    curve: EquityCurve | None
    fees: Amount
    breakdown: Breakdown
    books: Bookkeeping
    unexplained_since: Amount


def trading_of(facts: PortfolioFacts, history: TradeHistory) -> Trading:
    """The figures of all closed trades that are known."""
    until, balance = facts.until, facts.account.value.balance
    books = bookkeeping(
        history,
        balance=balance,
        initial_balance=facts.settings.initial_balance if facts.settings else None,
        now=facts.as_of,
    )
    known = history.until(until).trades
    all_columns, account = TradeColumns.of(history.trades), TradeColumns.of(books.account)

    def worth_at(moment: datetime, observed: bool = True) -> Equity:
        return equity_at(
            moment,
            account,
            balance=known_amount(balance),
            observed=facts.observed if observed else None,
            account_since=books.account_since,
        )

    since = _first(books.account, until)
    start = worth_at(since, observed=False).usd
    of_account = measure(account, Window(since, until), equity_at_start=start)
    today = Window(min(facts.day_start, until - INSTANT), until)
    day_start = worth_at(facts.day_start)
    end = worth_at(until, observed=False).usd if facts.past else known_amount(balance)
    return Trading(
        whole=of_account if books.account_since is None else _of_all(all_columns, known, until),
        today=measure(all_columns, today, equity_at_start=day_start.usd),
        day_start=day_start,
        balance=end,
        drawdown=of_account.drawdown,
        curve=_curve(account, Window(since, until), start),
        fees=_fees(facts, known),
        breakdown=breakdown_of(known),
        books=books,
        unexplained_since=_unexplained_since(facts, all_columns, end),
    )


def _of_all(columns: TradeColumns, trades: tuple[ClosedTrade, ...], until: datetime) -> Performance:
    no_base = unknown_amount("the account began anew in between")
    return measure(columns, Window(_first(trades, until), until), equity_at_start=no_base)


def _first(trades: tuple[ClosedTrade, ...], until: datetime) -> datetime:
    return min((trade.opened_at for trade in trades if trade.closed_at < until), default=until - INSTANT)


def _curve(account: TradeColumns, window: Window, start: Amount) -> EquityCurve | None:
    if start.value is None or start.value <= 0 or not len(account.within(window)):
        return None
    return equity_curve(account, window, start.value)


def _fees(facts: PortfolioFacts, trades: tuple[ClosedTrade, ...]) -> Amount:
    if facts.settings is None:
        return unknown_amount(NO_FEE_RATE)
    turnover = sum(((trade.entry_price + trade.exit_price) * trade.quantity for trade in trades), Decimal(0))
    return known_amount(turnover * facts.settings.trading_fee_fraction)


def _unexplained_since(facts: PortfolioFacts, columns: TradeColumns, balance: Amount) -> Amount:
    before = facts.before
    if before is None or before.balance is None:
        return unknown_amount("no balance of the day before is stored")
    if balance.value is None:
        return balance
    if before.data_as_of >= facts.until:
        return unknown_amount("the report of the day before is newer")
    realised = columns.within(Window(before.data_as_of, facts.until)).total()
    return known_amount(balance.value - before.balance - realised)
