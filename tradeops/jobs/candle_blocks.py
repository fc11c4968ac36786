"""What is known of a stretch of candles, and how it is written down."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from tradeops.adapters.store.interface import Body
from tradeops.domain.candles import Candle, at_milliseconds, milliseconds


@dataclass(frozen=True, slots=True)
class Block:
    """What is known of [first, until): the candles in it, and that the others do not exist.

    Attributes:
        rejected_at: times of what was left out because it cannot be true.
    """

    first: datetime
    until: datetime
    candles: tuple[Candle, ...] = ()
    duplicates: int = 0
    rejected_at: frozenset[datetime] = frozenset()

    @classmethod
    def of(cls, first: datetime, body: Mapping[str, Any]) -> Self:
        """As it was written.

        Raises:
            KeyError, TypeError, ValueError, OverflowError: it is damaged, or of a time when only the number of those
                left out was kept, and there were some.
        """
        columns = (body["opened_ms"], *(body[name] for name in ("open", "high", "low", "close", "volume")))
        candles = tuple(
            Candle(at_milliseconds(opened), *map(float, prices)) for opened, *prices in zip(*columns, strict=True)
        )
        rejected = body["rejected_ms"] if "rejected_ms" in body or body["rejected"] else ()
        return cls(
            first,
            at_milliseconds(body["until_ms"]),
            candles,
            int(body["duplicates"]),
            frozenset(map(at_milliseconds, rejected)),
        )

    def body(self) -> Body:
        """What `of` reads."""
        return {
            "until_ms": milliseconds(self.until),
            "opened_ms": [milliseconds(c.opened_at) for c in self.candles],
            "open": [c.open for c in self.candles],
            "high": [c.high for c in self.candles],
            "low": [c.low for c in self.candles],
            "close": [c.close for c in self.candles],
            "volume": [c.volume for c in self.candles],
            "duplicates": self.duplicates,
            "rejected_ms": sorted(map(milliseconds, self.rejected_at)),
        }
