"""An engine on the wire with all that the portfolio report reads, and the report computed again without our code."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import respx

from tests.unit.adapters.samples import FLAT_PORTFOLIO, PORTFOLIO, TRADE
from tests.unit.adapters.services import enveloped

ENGINE = "http://engine.test"
PAPER = f"{ENGINE}/api/paper-trading"
POSITION = TRADE | {
    "id": "open-1",
    "symbol": "BTCUSDT",
    "status": "Open",
    "entry_price": 90000.0,
    "quantity": 0.05,
    "exit_price": None,
    "stop_loss": 88200.0,
    "take_profit": 93600.0,
    "pnl": 21.5,
    "close_time": None,
    "duration_ms": None,
}
BASIC = {"initial_balance": 10000.0, "trading_fee_rate": 0.0004, "funding_fee_rate": 0.0001, "enabled": True}
FEE = Decimal("0.0004")


def trade(number: int, *, pnl: float, closed_at: datetime, **more: object) -> dict[str, Any]:
    """A closed trade as the contract sheet has it, whole."""
    return (
        TRADE
        | {
            "id": f"t{number}",
            "pnl": pnl,
            "pnl_percentage": -pnl,  # the stale mark, here with the wrong sign
            "open_time": (closed_at - timedelta(minutes=90)).isoformat(),
            "close_time": closed_at.isoformat(),
        }
        | more
    )


def serve(
    wire: respx.MockRouter,
    trades: Sequence[dict[str, Any]],
    *,
    now: datetime,
    flat: bool = False,
    **more: object,
) -> dict[str, respx.Route]:
    """All routes in the contract's full shapes; the balance is what the trades add up to, `more` overrides fields."""
    balance = float(10000 + sum((Decimal(repr(t["pnl"])) for t in trades), Decimal(0)))
    if flat:
        account = FLAT_PORTFOLIO | {"balance": balance, "total_return_percent": (balance + 21.5 - 10000) / 100}
    else:
        equity = balance + 21.5
        account = PORTFOLIO | {
            "current_balance": balance,
            "equity": equity,
            "total_pnl": equity - 10000,
            "total_pnl_percentage": (equity - 10000) / 100,
        }
    stamp = now.isoformat()
    bodies = {
        "portfolio": enveloped(account | more, timestamp=stamp),
        "status": enveloped({"is_running": True, "portfolio": account, "last_updated": stamp}, timestamp=stamp),
        "trades/open": enveloped([POSITION], timestamp=stamp),
        "trades/closed": enveloped(list(trades), timestamp=stamp),
        "basic-settings": enveloped({"basic": BASIC, "risk": {"max_leverage": 5}}, timestamp=stamp),
    }
    routes = {path: wire.get(f"{PAPER}/{path}").respond(json=body) for path, body in bodies.items()}
    prices = enveloped({"BTCUSDT": 90311.0, "ETHUSDT": 3010.4})
    return routes | {"prices": wire.get(f"{ENGINE}/api/market/prices").respond(json=prices)}


def recomputed(trades: Sequence[dict[str, Any]], *, until: datetime) -> dict[str, Any]:
    """The figures of trades closed before `until`, each once, by the definitions of the contract alone."""

    def closed(one: dict[str, Any]) -> datetime:
        return datetime.fromisoformat(one["close_time"])

    once = {one["id"]: one for one in reversed(trades) if one["close_time"] is not None and closed(one) < until}
    ordered = sorted(once.values(), key=lambda one: (closed(one), one["open_time"], one["id"]))
    pnls = [Decimal(repr(one["pnl"])) for one in ordered]
    notionals = [Decimal(repr(one["entry_price"])) * Decimal(repr(one["quantity"])) for one in ordered]
    returns = [pnl / notional * 100 for pnl, notional in zip(pnls, notionals, strict=True)]
    midnight = (until - timedelta(microseconds=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    today = [pnl for one, pnl in zip(ordered, pnls, strict=True) if closed(one) >= midnight]
    exits = [Decimal(repr(one["exit_price"])) * Decimal(repr(one["quantity"])) for one in ordered]
    equity = peak = Decimal(10000)
    deepest = Decimal(0)
    for pnl in pnls:
        equity += pnl
        peak = max(peak, equity)
        deepest = max(deepest, (peak - equity) / peak * 100)
    wins, losses = sum(pnl > 0 for pnl in pnls), sum(pnl < 0 for pnl in pnls)
    return {
        "balance": 10000 + sum(pnls),
        "realised_pnl": sum(pnls),
        "today_pnl": sum(today),
        "fees_estimated": (sum(notionals) + sum(exits)) * FEE,
        "win_rate": Decimal(wins) / len(pnls) * 100,
        "avg_profit_per_trade": sum(returns) / len(returns),
        "max_drawdown_pct": deepest,
        "drawdown_now_pct": (peak - equity) / peak * 100,
        "day_start_equity": 10000 + sum(pnls) - sum(today),
        "total_trades": len(pnls),
        "winning_trades": wins,
        "losing_trades": losses,
        "today_trades": len(today),
    }


def differing(fields: dict[str, Any], expected: dict[str, Any]) -> dict[str, tuple[object, object]]:
    """What is not the same to the cent, or to the hundredth of a percent."""
    half = Decimal("0.000001")
    return {
        name: (fields[name], value)
        for name, value in expected.items()
        if fields[name] is None or abs(Decimal(str(fields[name])) - Decimal(value)) > half
    }
