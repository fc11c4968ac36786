"""An engine on the wire whose account and trades a test chooses; bodies are as the contract sheet has them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import httpx
import respx

from tests.unit.adapters.samples import PORTFOLIO, STAMP, TRADE
from tests.unit.adapters.services import enveloped
from tradeops.domain.portfolio.portfolio import ClosedTrade

ENGINE = "http://engine.test"
PAPER = f"{ENGINE}/api/paper-trading"


def on_the_wire(trade: ClosedTrade) -> dict[str, Any]:
    """As the engine lists it; its stale percentage contradicts the profit."""
    return TRADE | {
        "id": trade.id,
        "symbol": trade.symbol,
        "entry_price": float(trade.entry_price),
        "exit_price": float(trade.exit_price),
        "quantity": float(trade.quantity),
        "pnl": float(trade.pnl),
        "pnl_percentage": -float(trade.return_percent),
        "open_time": trade.opened_at.isoformat(),
        "close_time": trade.closed_at.isoformat(),
    }


def serve(
    wire: respx.MockRouter,
    trades: Sequence[ClosedTrade | dict[str, Any]],
    *,
    balance: Decimal | httpx.Response | Exception | None = None,
    initial: Decimal | httpx.Response = Decimal(10_000),
    stamp: str = STAMP,
    before: Sequence[httpx.Response | Exception] = (),
) -> respx.Route:
    """Answer the three routes that the analysis reads, each with these first; returns that of the trades.

    The balance is what the trades add up to unless given.
    """
    listed = [on_the_wire(t) if isinstance(t, ClosedTrade) else t for t in trades]
    if balance is None:
        profit = sum((t.pnl for t in trades if isinstance(t, ClosedTrade)), Decimal(0))
        balance = Decimal(10_000) + profit
    if isinstance(balance, Decimal):
        balance = httpx.Response(200, json=enveloped(PORTFOLIO | {"current_balance": float(balance)}, timestamp=stamp))
    if isinstance(initial, Decimal):
        basic = {"initial_balance": float(initial), "trading_fee_rate": 0.0004, "funding_fee_rate": 0.0001}
        initial = httpx.Response(200, json=enveloped({"basic": basic, "risk": {}}, timestamp=stamp))
    listing = httpx.Response(200, json=enveloped(listed, timestamp=stamp))
    wire.get(f"{PAPER}/trades/open").respond(json=enveloped([], timestamp=stamp))
    wire.get(f"{PAPER}/portfolio").mock(side_effect=[*before, *[balance] * 50])
    wire.get(f"{PAPER}/basic-settings").mock(side_effect=[*before, *[initial] * 50])
    return wire.get(f"{PAPER}/trades/closed").mock(side_effect=[*before, *[listing] * 50])
