"""Whether the engine and the exchange speak of the same market: the bot's default is the testnet for its prices."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Final

from tradeops.domain.readings import Reading
from tradeops.errors import TradeOpsError
from tradeops.wiring import Desk

MOST_GAP_PERCENT: Final = Decimal(2)  # two feeds of one market differ by hundredths of a percent
MOST_COMPARED: Final = 5
WEIGHT_OF_COMPARING: Final = 2 * MOST_COMPARED
WITHIN: Final = timedelta(seconds=3)


async def told_of(desk: Desk, symbols: Iterable[str]) -> tuple[str, ...]:
    """A remark when last prices of the first five symbols that both know are more than 2 % apart; none otherwise.

    Best effort: nothing, within 3 s, where one of the two does not answer or gives no price that can be true.
    """
    if desk.exchange is None:
        return ()
    try:
        async with asyncio.timeout(WITHIN.total_seconds()):
            ours = (await desk.engine.prices()).value
            both = [symbol for symbol in symbols if symbol in ours][:MOST_COMPARED]
            found = await asyncio.gather(*(desk.exchange.ticker(each) for each in both), return_exceptions=True)
    except (TradeOpsError, TimeoutError):
        return ()
    theirs = {symbol: one.value.last_price for symbol, one in zip(both, found, strict=True) if isinstance(one, Reading)}
    gaps = {symbol: 100 * abs(ours[symbol] / price - 1) for symbol, price in theirs.items()}
    wide = [symbol for symbol, gap in gaps.items() if gap > MOST_GAP_PERCENT]
    if not wide:
        return ()
    widest = max(wide, key=gaps.__getitem__)
    others = f", and {len(wide)} of {len(gaps)} are more than {MOST_GAP_PERCENT} % off" if len(gaps) > 1 else ""
    gap = f"{gaps[widest]:,.1f} % from the exchange's{others}"
    return (f"the engine's price of {widest} is {gap}: is the engine on the testnet?",)
