"""What stands beside the figures of a window and decides nothing: BTC's price at its ends, positions still open."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from tradeops.domain.figures import Figure, known, unknown
from tradeops.domain.performance import BtcPrices, Window
from tradeops.errors import TradeOpsError
from tradeops.jobs.candles import closed_candles
from tradeops.wiring import Desk

BTC = "BTCUSDT"
DAY = timedelta(days=1)
WITHIN = timedelta(seconds=15)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Beside:
    """What was read.

    Attributes:
        open_since: when the positions were opened that are still open; `None` is "not known".
        btc: at both ends of the window.
    """

    open_since: tuple[datetime, ...] | None
    btc: BtcPrices


async def beside(desk: Desk, window: Window) -> Beside:
    """Ask engine and exchange; what does not answer within 15 s is n/a, with the reason, and fails nothing.

    Args:
        desk: its engine; its exchange and candle cache.
        window: of whole UTC days, so that the daily closes are the prices at its ends.
    """
    return Beside(*await asyncio.gather(_open_since(desk), _btc(desk, window)))


async def _open_since(desk: Desk) -> tuple[datetime, ...] | None:
    try:
        async with asyncio.timeout(WITHIN.total_seconds()):
            reading = await desk.engine.open_trades()
    except (TradeOpsError, TimeoutError) as error:
        log.warning("the open positions are not known: %s", str(error) or "no answer in time")
        return None
    return None if reading.rejected else tuple(trade.opened_at for trade in reading.value)


async def _btc(desk: Desk, window: Window) -> BtcPrices:
    try:
        async with asyncio.timeout(WITHIN.total_seconds()):
            series = await closed_candles(desk, BTC, "1d", window.since - DAY, window.until)
    except (TradeOpsError, TimeoutError) as error:
        why = error.problem if isinstance(error, TradeOpsError) else "no answer in time"
        log.warning("the price of BTC is not known: %s", why)
        nothing = unknown(f"the price of BTC could not be read: {why}")
        return BtcPrices(nothing, nothing)
    closes = {candle.opened_at + DAY: candle.close for candle in series.candles}

    def at(moment: datetime) -> Figure:
        close = closes.get(moment)
        return unknown(f"the exchange has no price of BTC at {moment:%Y-%m-%d}") if close is None else known(close)

    return BtcPrices(at(window.since), at(window.until))
