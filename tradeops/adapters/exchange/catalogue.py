"""What the product asks of the exchange."""

from datetime import UTC, datetime, timedelta

from tradeops.adapters.catalogue import Needed
from tradeops.adapters.exchange import client as exchange
from tradeops.adapters.exchange.client import ExchangeClient
from tradeops.domain.candles import CandleSeries
from tradeops.domain.market import Ticker
from tradeops.domain.readings import Reading


async def _ticker(client: ExchangeClient) -> Reading[Ticker]:
    return await client.ticker("BTCUSDT")


async def _klines(client: ExchangeClient) -> Reading[CandleSeries]:
    now = datetime.now(UTC)
    return await client.klines("BTCUSDT", "1h", now - timedelta(hours=3), now)


NEEDED = (Needed(f"GET {exchange.TICKER}", _ticker), Needed(f"GET {exchange.KLINES}", _klines))
