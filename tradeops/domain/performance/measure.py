"""All figures of a window at once."""

from collections.abc import Sequence
from datetime import datetime

from tradeops.domain.figures import Amount
from tradeops.domain.performance.columns import TradeColumns
from tradeops.domain.performance.metrics import BtcPrices, Performance
from tradeops.domain.performance.windows import Window

NO_PRICES = BtcPrices()


def measure(
    columns: TradeColumns,
    window: Window,
    *,
    equity_at_start: Amount,
    open_since: Sequence[datetime] | None = None,
    btc: BtcPrices = NO_PRICES,
) -> Performance:
    """Every figure of the trades closed in the window.

    Args:
        columns: trades of the window and around it; those closed after it count for exposure alone.
        window: half-open, UTC.
        equity_at_start: at `window.since`; unknown makes everything n/a that is relative to equity.
        open_since: when the positions were opened that are still open; `None` is "not known", empty is "none". They
            count for exposure alone.
        btc: its price at both ends of the window.
    """
    raise NotImplementedError
