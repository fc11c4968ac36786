"""The engine's paper-trading routes: portfolio, trades, start and stop, manual orders, stored records."""

import math
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from sandbox.book import ClosedTrade, Position
from sandbox.engine_answers import body_of, limit_of, moment, stamped
from sandbox.trader import RestingOrder, Signal
from sandbox.world import World

PREFIX = "/api/paper-trading"
SIDES = {"long": 1, "buy": 1, "short": -1, "sell": -1}
CLOSED_BY_HAND = 60_000


class PaperRoutes:
    """`/api/paper-trading/…` without its settings."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[BaseRoute]:
        """All of them; there is no `/trades`, and no way to read strategies."""
        return [
            Route(f"{PREFIX}/status", self._status),
            Route(f"{PREFIX}/portfolio", self._portfolio),
            Route(f"{PREFIX}/trades/open", self._open),
            Route(f"{PREFIX}/trades/closed", self._closed),
            Route(f"{PREFIX}/trades/{{id}}/close", self._close, methods=["POST"]),
            Route(f"{PREFIX}/start", self._start, methods=["POST"]),
            Route(f"{PREFIX}/stop", self._stop, methods=["POST"]),
            Route(f"{PREFIX}/reset", self._reset, methods=["POST"]),
            Route(f"{PREFIX}/trigger-analysis", self._trigger, methods=["POST"]),
            Route(f"{PREFIX}/orders", self._place, methods=["POST"]),
            Route(f"{PREFIX}/pending-orders", self._pending),
            Route(f"{PREFIX}/pending-orders/{{id}}", self._cancel, methods=["DELETE"]),
            Route(f"{PREFIX}/signals-history", self._signals),
            Route(f"{PREFIX}/trade-analyses", self._no_records),
            Route(f"{PREFIX}/config-suggestions", self._no_records),
        ]

    async def _status(self, _: Request) -> JSONResponse:
        now = self._world.advance()
        figures = self._world.book.figures()
        status = {"is_running": self._world.trader.running, "portfolio": figures, "last_updated": moment(now)}
        return stamped(status, now)

    async def _portfolio(self, _: Request) -> JSONResponse:
        now = self._world.advance()
        return stamped(self._world.book.figures(), now)

    async def _open(self, _: Request) -> JSONResponse:
        now = self._world.advance()
        return stamped([_open_trade(position) for position in self._world.book.positions.values()], now)

    async def _closed(self, _: Request) -> JSONResponse:
        now = self._world.advance()
        by_no_order = sorted(self._world.book.closed, key=lambda trade: trade.position.id)
        return stamped([_closed_trade(trade) for trade in by_no_order], now)

    async def _close(self, request: Request) -> JSONResponse:
        await body_of(request)
        now = self._world.advance()
        wanted = request.path_params["id"]
        for symbol, position in self._world.book.positions.items():
            if position.id == wanted:
                self._world.trader.close(symbol, now)
                return stamped({"message": "Trade closed"}, now)
        return _refused(f"Trade {wanted} is not open", now)

    async def _start(self, _: Request) -> JSONResponse:
        return self._run(running=True, message="Paper trading started")

    async def _stop(self, _: Request) -> JSONResponse:
        return self._run(running=False, message="Paper trading stopped")

    def _run(self, *, running: bool, message: str) -> JSONResponse:
        now = self._world.advance()
        self._world.trader.running = running
        return stamped({"message": message}, now)

    async def _reset(self, _: Request) -> JSONResponse:
        now = self._world.advance()
        self._world.reset_portfolio(self._world.desk.basic["initial_balance"])
        return stamped({"message": "Portfolio reset"}, now)

    async def _trigger(self, _: Request) -> JSONResponse:
        now = self._world.advance()
        self._world.trader.decide_at_once = True
        return stamped({"message": "Analysis triggered"}, now)

    async def _place(self, request: Request) -> JSONResponse:
        body = await body_of(request)
        now = self._world.advance()
        order = body if isinstance(body, dict) else {}
        symbol, side = order.get("symbol"), SIDES.get(str(order.get("trade_type", order.get("side"))).lower())
        price, quantity = _positive(order.get("price")), _positive(order.get("quantity"))
        if symbol not in self._world.desk.symbols():
            return _refused(f"Symbol is not traded: {symbol}", now)
        if side is None:
            return _refused("trade_type must be Long or Short", now)
        if price is None or (quantity is None and "quantity" in order):
            return _refused("price and quantity must be positive numbers", now)
        placed = self._world.trader.place(str(symbol), side, price, quantity, now)
        return stamped(_order(placed), now)

    async def _pending(self, _: Request) -> JSONResponse:
        now = self._world.advance()
        return stamped([_order(order) for order in self._world.trader.orders.values()], now)

    async def _cancel(self, request: Request) -> JSONResponse:
        now = self._world.advance()
        order = self._world.trader.orders.pop(request.path_params["id"], None)
        if order is None:
            return stamped(None, now, error="Order not found", status=HTTPStatus.NOT_FOUND)
        return stamped({"message": "Order cancelled"}, now)

    async def _signals(self, request: Request) -> JSONResponse:
        limit = limit_of(request.query_params, 100)
        now = self._world.advance()
        return stamped([_signal(signal) for signal in self._world.trader.signals[::-1][:limit]], now)

    async def _no_records(self, request: Request) -> JSONResponse:
        limit_of(request.query_params, 100)
        return stamped(None, self._world.advance(), error="No records found", status=HTTPStatus.NOT_FOUND)


def _refused(problem: str, now_ms: int) -> JSONResponse:
    return stamped(None, now_ms, error=problem, status=HTTPStatus.BAD_REQUEST)


def _positive(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value > 0 else None


def _side_name(side: int) -> str:
    return "Long" if side > 0 else "Short"


def _trade(position: Position) -> dict[str, Any]:
    return {
        "id": position.id,
        "symbol": position.symbol,
        "trade_type": _side_name(position.side),
        "status": "Open",
        "entry_price": position.entry_price,
        "exit_price": None,
        "quantity": position.quantity,
        "leverage": position.leverage,
        "stop_loss": position.stop_loss,
        "take_profit": position.take_profit,
        "pnl": None,
        "pnl_percentage": position.mark_percent(position.mark),
        "duration_ms": None,
        "open_time": moment(position.opened_ms),
        "close_time": None,
    }


def _open_trade(position: Position) -> dict[str, Any]:
    return _trade(position) | {"pnl": position.unrealised(position.mark)}


def _closed_trade(trade: ClosedTrade) -> dict[str, Any]:
    lasted = trade.closed_ms - trade.position.opened_ms
    return _trade(trade.position) | {
        "status": "Closed",
        "exit_price": trade.exit_price,
        "pnl": trade.pnl,
        "pnl_percentage": trade.stale_percent,
        "duration_ms": lasted if lasted >= CLOSED_BY_HAND else None,  # the sheet says that it may be null
        "close_time": moment(trade.closed_ms),
    }


def _order(order: RestingOrder) -> dict[str, Any]:
    return {
        "id": order.id,
        "symbol": order.symbol,
        "trade_type": _side_name(order.side),
        "price": order.price,
        "quantity": order.quantity,
        "status": "Pending",
        "created_at": moment(order.placed_ms),
    }


def _signal(signal: Signal) -> dict[str, Any]:
    return {
        "symbol": signal.symbol,
        "signal": _side_name(signal.side),
        "confidence": min(0.95, 0.5 + signal.strength * 20),
        "current_price": signal.price,
        "timestamp": moment(signal.at_ms),
    }
