"""An engine that answers as the contract says, with marks that move, and a guard that keeps what it saw."""

import asyncio
import contextlib
import json
import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dashboard_ground.records import SYMBOLS, a_trade_now
from tradeops.adapters.store import Store
from tradeops.errors import TradeOpsError
from tradeops.jobs.reports import equity, trades
from tradeops.settings import Settings
from tradeops.wiring import our_store

BALANCE = 10_000.0
KEEP_EVERY_SECONDS = 20.0
PREFIX = "/api/paper-trading/"


class Answering(BaseHTTPRequestHandler):
    """Reads alone."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The account, what is open, whether it trades."""
        found = _answers().get(self.path.removeprefix(PREFIX))
        body = json.dumps({"success": found is not None, "data": found, "error": None}).encode()
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _answers() -> dict[str, Any]:
    now = datetime.now(UTC)
    held = [_held(symbol, now) for symbol in SYMBOLS]
    floating = sum(one["pnl"] for one in held)
    account = {
        "current_balance": BALANCE,
        "equity": BALANCE + floating,
        "total_pnl": floating,
        "total_pnl_percentage": floating / 100,
        "total_trades": 50_008,
        "max_drawdown_percentage": 4.2,
        "last_updated": now.isoformat(),
    }
    return {
        "portfolio": account,
        "trades/open": held,
        "status": {"is_running": True, "portfolio": account, "last_updated": now.isoformat()},
    }


def _held(symbol: str, now: datetime) -> dict[str, Any]:
    return {
        "id": f"open-{symbol}",
        "symbol": symbol,
        "trade_type": "Long",
        "status": "Open",
        "entry_price": 100.0,
        "quantity": 1.0,
        "leverage": 5,
        "pnl": random.uniform(-20, 20),  # noqa: S311 - a mark, no secret
        "open_time": (now - timedelta(hours=1)).isoformat(),
    }


@contextlib.contextmanager
def engine() -> Iterator[str]:
    """The address of one, on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def guard(settings: Settings) -> Iterator[None]:
    """Keep equity and a trade now and then, as the guard does, so that there is something new to see."""
    over = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_keep(settings, over)), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)


async def _keep(settings: Settings, over: threading.Event) -> None:
    async with our_store(settings) as store:
        while not over.is_set():
            with contextlib.suppress(TradeOpsError):
                await _keep_once(store)
            await asyncio.to_thread(over.wait, KEEP_EVERY_SECONDS)


async def _keep_once(store: Store) -> None:
    now = datetime.now(UTC)
    await trades.keep(store, (a_trade_now(now),))
    await equity.observe_minute(store, equity.Worth(now, Decimal(str(BALANCE))))
