"""The daily portfolio report: what the account is worth, what its trades brought, and what cannot be known today."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from tradeops.domain.figures import Amount, Figure, known, known_amount, unknown, unknown_amount
from tradeops.domain.performance import Equity
from tradeops.domain.portfolio.facts import PortfolioFacts, Source
from tradeops.domain.portfolio.portfolio import worth
from tradeops.domain.portfolio.trading import Trading, trading_of
from tradeops.domain.position_risk import PositionRisk, risks_of, total

PAST = "it is known live only, and this is the report of a past day"
NO_EQUITY = "the engine says neither it nor the mark of every open position"
NO_INITIAL = "the initial balance is not known"
NO_REPORT = "no report of the day before is stored"
NOT_KNOWN_THEN = "the report of the day before did not know it"


@dataclass(frozen=True, slots=True)
class Deltas:
    """The report's figures less those of the report stored the day before; n/a where either is."""

    balance: Amount
    equity: Amount
    realised: Amount
    total_return_points: Figure
    win_rate_points: Figure
    total_trades: Figure


_NO_AMOUNT, _NO_FIGURE = unknown_amount(NO_REPORT), unknown(NO_REPORT)
NO_DELTAS = Deltas(_NO_AMOUNT, _NO_AMOUNT, _NO_AMOUNT, _NO_FIGURE, _NO_FIGURE, _NO_FIGURE)


@dataclass(frozen=True, slots=True)
class PortfolioReport:
    """One report. Money is USDT.

    Attributes:
        facts: what it is made of.
        finished_at: our clock.
        balance: realised; of a past day, what it must have been at its end.
        equity: balance and unrealised profit.
        unrealised: equity less balance; without equity, the sum over open positions.
        total_return_percent: realised and unrealised, of the initial balance.
        return_is_ours: computed by us; else it is the engine's own figure, or n/a.
        day_start: equity at 00:00 UTC.
        positions: open ones with their risk; `None` when they are not known.
        positions_problem: why they are not; empty when they are.
        trading: `None` when closed trades are not known.
        trading_problem: why they are not; empty when they are.
        is_running: `None` when the engine's status is not known, or of a past day.
        deltas: against the day before.
    """

    facts: PortfolioFacts
    finished_at: datetime
    balance: Amount
    equity: Amount
    unrealised: Amount
    total_return_percent: Figure
    return_is_ours: bool
    day_start: Equity
    positions: tuple[PositionRisk, ...] | None
    positions_problem: str
    trading: Trading | None
    trading_problem: str
    is_running: bool | None
    deltas: Deltas = NO_DELTAS

    @property
    def day(self) -> date:
        """Of the report, UTC."""
        return self.facts.day

    @property
    def data_as_of(self) -> datetime:
        """Nothing newer is in it."""
        return self.facts.until - timedelta.resolution if self.facts.past else self.facts.as_of

    @property
    def notional(self) -> Amount:
        """Of all open positions, at entry."""
        return self._of_positions(lambda risk: known_amount(risk.trade.notional))

    @property
    def if_all_stopped(self) -> Amount:
        """Result if every position were closed at its stop; n/a when one has none."""
        return self._of_positions(lambda risk: risk.pnl_if_stopped_usd)

    def _of_positions(self, amount: Callable[[PositionRisk], Amount]) -> Amount:
        if self.positions is None:
            return unknown_amount(self.positions_problem)
        return total(tuple(amount(risk) for risk in self.positions))


def portfolio_report(facts: PortfolioFacts, *, finished_at: datetime) -> PortfolioReport:
    """What the facts amount to; what they do not tell is n/a with the reason, never zero."""
    trading = None if facts.history is None else trading_of(facts, facts.history)
    problem = facts.why(Source.CLOSED_TRADES)
    balance = _balance(facts, trading, problem)
    equity = _equity(facts)
    positions, positions_problem = _positions(facts)
    total_return, ours = _total_return(facts, equity)
    report = PortfolioReport(
        facts=facts,
        finished_at=finished_at,
        balance=balance,
        equity=equity,
        unrealised=_unrealised(facts, equity, positions, positions_problem),
        total_return_percent=total_return,
        return_is_ours=ours,
        day_start=trading.day_start if trading else _observed_day_start(facts, problem),
        positions=positions,
        positions_problem=positions_problem,
        trading=trading,
        trading_problem="" if trading else problem,
        is_running=facts.status.is_running if facts.status and not facts.past else None,
    )
    return replace(report, deltas=_deltas(report))


def _observed_day_start(facts: PortfolioFacts, problem: str) -> Equity:
    seen = facts.observed.get(facts.day_start)
    return Equity(unknown_amount(problem)) if seen is None else Equity(known_amount(seen), observed=True)


def _balance(facts: PortfolioFacts, trading: Trading | None, problem: str) -> Amount:
    if trading:
        return trading.balance
    return unknown_amount(problem) if facts.past else known_amount(facts.account.value.balance)


def _equity(facts: PortfolioFacts) -> Amount:
    if facts.past:
        seen = facts.observed.get(facts.until)
        return unknown_amount(PAST) if seen is None else known_amount(seen)
    account, opened = facts.account.value, facts.open_trades
    usd = account.equity if opened is None else worth(account, opened)
    return unknown_amount(NO_EQUITY) if usd is None else known_amount(usd)


def _unrealised(
    facts: PortfolioFacts, equity: Amount, positions: tuple[PositionRisk, ...] | None, problem: str
) -> Amount:
    if not facts.past and equity.value is not None:
        return known_amount(equity.value - facts.account.value.balance)
    return unknown_amount(problem) if positions is None else total(tuple(risk.unrealised_usd for risk in positions))


def _total_return(facts: PortfolioFacts, equity: Amount) -> tuple[Figure, bool]:
    if equity.value is not None and facts.settings is not None:
        initial = facts.settings.initial_balance
        return known(float((equity.value - initial) / initial * 100)), True
    if facts.past:
        return unknown(equity.reason or NO_INITIAL), False
    return known(float(facts.account.value.total_return_percent)), False


def _positions(facts: PortfolioFacts) -> tuple[tuple[PositionRisk, ...] | None, str]:
    if facts.past:
        return None, PAST
    if facts.open_trades is None:
        return None, facts.why(Source.OPEN_TRADES)
    risks = risks_of(
        facts.open_trades,
        prices=facts.prices,
        price_problem="" if facts.prices is not None else facts.why(Source.PRICES),
        fee_fraction=facts.settings.trading_fee_fraction if facts.settings else None,
    )
    return risks, ""


def _deltas(report: PortfolioReport) -> Deltas:
    before = report.facts.before
    if before is None:
        return NO_DELTAS
    trading, problem = report.trading, report.trading_problem
    realised = trading.whole.realized_pnl_usd if trading else unknown_amount(problem)
    win_rate = trading.whole.win_rate_percent if trading else unknown(problem)
    trades = known(trading.whole.trades) if trading else unknown(problem)
    return Deltas(
        balance=_amount_since(report.balance, before.balance),
        equity=_amount_since(report.equity, before.equity),
        realised=_amount_since(realised, before.realised),
        total_return_points=_figure_since(report.total_return_percent, before.total_return_percent),
        win_rate_points=_figure_since(win_rate, before.win_rate_percent),
        total_trades=_figure_since(trades, before.total_trades),
    )


def _amount_since(now: Amount, then: Decimal | None) -> Amount:
    if now.value is None or then is None:
        return unknown_amount(now.reason or NOT_KNOWN_THEN)
    return known_amount(now.value - then)


def _figure_since(now: Figure, then: float | None) -> Figure:
    if now.value is None or then is None:
        return unknown(now.reason or NOT_KNOWN_THEN)
    return known(now.value - then)
