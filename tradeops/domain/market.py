"""The market at this moment."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Ticker:
    """A symbol's last 24 hours on the exchange.

    Attributes:
        change_percent: of the price, over the window.
        volume: in the base asset; `quote_volume` in the quote asset.
        closed_at: end of the window: the time of `last_price`.
    """

    symbol: str
    last_price: Decimal
    change_percent: Decimal
    volume: Decimal
    quote_volume: Decimal
    opened_at: datetime
    closed_at: datetime
