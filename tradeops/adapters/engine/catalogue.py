"""What the product asks of the engine."""

from tradeops.adapters.catalogue import Needed, Optional
from tradeops.adapters.engine import client as engine
from tradeops.adapters.engine.client import EngineClient
from tradeops.adapters.engine.levers import SYMBOLS
from tradeops.domain.candles import CandleSeries
from tradeops.domain.readings import Reading


async def _candles(client: EngineClient) -> Reading[CandleSeries]:
    symbols = await client.symbols()
    return await client.candles(next(iter(symbols.value), "BTCUSDT"), "1h", limit=2)


NEEDED = (
    Needed(f"GET {engine.HEALTH}", EngineClient.health),
    Needed(f"GET {engine.STATUS}", EngineClient.status),
    Needed(f"GET {engine.PORTFOLIO}", EngineClient.portfolio),
    Needed(f"GET {engine.OPEN_TRADES}", EngineClient.open_trades),
    Needed(f"GET {engine.CLOSED_TRADES}", EngineClient.closed_trades),
    Needed(f"GET {SYMBOLS}", EngineClient.symbols),
    Needed(f"GET {engine.BASIC_SETTINGS}", EngineClient.basic_settings),
    Needed(f"GET {engine.PRICES}", EngineClient.prices),
    Needed(f"GET {engine.CANDLES}/{{symbol}}/{{timeframe}}", _candles),
)
OPTIONAL = (
    Optional(
        "POST",
        "/api/strategies/RSI%20Strategy/disable",
        EngineClient.has_route,
        fallback="the brake disables the strategy's symbols and reads them back",
    ),
    Optional(
        "GET",
        "/api/paper-trading/trades",
        EngineClient.has_route,
        fallback="all closed trades are read and filtered here",
    ),
)
