"""What the trader is told to do; the engine's settings routes read and change it."""

from dataclasses import dataclass, field

from sandbox.symbols import TRADED


@dataclass(frozen=True, slots=True)
class SymbolSettings:
    """How one symbol is traded.

    Attributes:
        leverage: `None` takes the general one; `position_size_pct` likewise.
        stop_loss_pct: `None` is no stop; `take_profit_pct` likewise.
        max_positions: `None` is one.
    """

    enabled: bool
    leverage: int | None = None
    position_size_pct: float | None = None
    stop_loss_pct: float | None = None
    take_profit_pct: float | None = None
    max_positions: int | None = None


def _symbols_at_start() -> dict[str, SymbolSettings]:
    usual = SymbolSettings(
        enabled=True, leverage=10, position_size_pct=5.0, stop_loss_pct=2.0, take_profit_pct=4.0, max_positions=1
    )
    return dict.fromkeys(TRADED, usual)


@dataclass(slots=True)
class TradingSettings:
    """All that the trader obeys; the other settings of the engine are shown and heard, and change nothing."""

    symbols: dict[str, SymbolSettings] = field(default_factory=_symbols_at_start)
    leverage: int = 3
    position_size_pct: float = 2.0
    max_positions: int = 5
    signal_interval_minutes: int = 15
