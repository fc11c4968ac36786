"""Trades and facts to build portfolio reports from."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tradeops.domain.bot import BasicSettings, EngineStatus
from tradeops.domain.engine_claims import Claim, EngineClaims
from tradeops.domain.portfolio.facts import PortfolioFacts
from tradeops.domain.portfolio.portfolio import ClosedTrade, OpenTrade, Portfolio, Side
from tradeops.domain.portfolio.report import PortfolioReport, portfolio_report
from tradeops.domain.readings import Reading
from tradeops.domain.trade_history import united

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
DAY = date(2026, 11, 25)
HOUR = timedelta(hours=1)
SETTINGS = BasicSettings(Decimal(10_000), Decimal("0.0004"))
CLAIMS = EngineClaims(Claim(Decimal("58.33")), Claim(Decimal("1.62")), Claim(Decimal("0.21")))


def closed(pnl: str | int, *, hours_ago: float = 24, key: str = "", **more: Any) -> ClosedTrade:  # noqa: ANN401
    """A trade with a notional of 1000 USDT that was open for an hour."""
    closed_at = NOW - hours_ago * HOUR
    trade = ClosedTrade(
        id=key or f"t{hours_ago:g}",
        symbol="BTCUSDT",
        side=Side.LONG,
        entry_price=Decimal(100),
        exit_price=Decimal(101),
        quantity=Decimal(10),
        leverage=10,
        pnl=Decimal(pnl),
        opened_at=closed_at - HOUR,
        closed_at=closed_at,
        duration=HOUR,
    )
    return replace(trade, **more)


def position(**more: Any) -> OpenTrade:  # noqa: ANN401
    trade = OpenTrade(
        id="o1",
        symbol="BTCUSDT",
        side=Side.LONG,
        entry_price=Decimal(100),
        quantity=Decimal(10),
        leverage=10,
        opened_at=NOW - HOUR,
        unrealised_pnl=Decimal(20),
        stop_loss=Decimal(98),
    )
    return replace(trade, **more)


def reading(**more: Any) -> Reading[Portfolio]:  # noqa: ANN401
    portfolio = Portfolio(balance=Decimal(10_000), total_return_percent=Decimal("0.2"), equity=Decimal(10_020))
    return Reading(replace(portfolio, **more), timedelta(0), as_of=NOW, clock_skew=timedelta(0))


def facts(*trades: ClosedTrade, forgotten: tuple[ClosedTrade, ...] = (), **more: Any) -> PortfolioFacts:  # noqa: ANN401
    """Of an engine that lists these trades, whose balance is what they add up to."""
    account = reading(
        balance=Decimal(10_000) + sum(trade.pnl for trade in trades),
        equity=Decimal(10_020) + sum(trade.pnl for trade in trades),
    )
    usual = PortfolioFacts(
        day=DAY,
        started_at=NOW,
        account=account,
        status=EngineStatus(is_running=True, last_updated=NOW),
        open_trades=(position(),),
        history=united(trades, {trade.id: trade for trade in forgotten}),
        settings=SETTINGS,
        prices={"BTCUSDT": Decimal(102)},
    )
    return replace(usual, **more)


def report(*trades: ClosedTrade, **more: Any) -> PortfolioReport:  # noqa: ANN401
    return portfolio_report(facts(*trades, **more), finished_at=NOW)
