"""Asks for one panel within a bound; what goes wrong is said in the panel, never raised."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tradeops.domain.window.values import Panel
from tradeops.errors import TradeOpsError

T = TypeVar("T")
WITHIN_SECONDS = 4.0

log = logging.getLogger(__name__)


async def panel(make: Callable[[], Awaitable[Panel[T]]]) -> Panel[T]:
    """What `make` gives, or an empty panel with the reason."""
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            return await make()
    except TradeOpsError as error:
        return Panel(None, str(error))
    except TimeoutError:
        return Panel(None, f"store: no answer within {WITHIN_SECONDS:g} s")
    except Exception:
        log.exception("a panel broke")
        return Panel(None, "not known: our own code broke on what is kept, see the log")
