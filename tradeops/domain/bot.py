"""What the bot says about itself: whether it runs, and by which settings."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """Whether paper trading runs, and when the engine last touched its portfolio."""

    is_running: bool
    last_updated: datetime


@dataclass(frozen=True, slots=True)
class SymbolSettings:
    """How one symbol is traded; `None` leaves it to the engine's default.

    Attributes:
        enabled: a disabled symbol accepts no new entries; its open positions stay supervised.
        position_size_percent: of the balance, 0–100, like the two distances from the entry price.
    """

    symbol: str
    enabled: bool
    leverage: int | None = None
    position_size_percent: Decimal | None = None
    stop_loss_percent: Decimal | None = None
    take_profit_percent: Decimal | None = None
    max_positions: int | None = None


@dataclass(frozen=True, slots=True)
class BasicSettings:
    """The engine's account settings.

    Attributes:
        initial_balance: USDT.
        trading_fee_fraction: of the notional, at entry and at exit.
    """

    initial_balance: Decimal
    trading_fee_fraction: Decimal


@dataclass(frozen=True, slots=True)
class AiServiceHealth:
    """What counts of the AI service's health answer; its own `status` is always "healthy"."""

    mongodb_connected: bool
    gpt4_available: bool
    api_key_configured: bool


@dataclass(frozen=True, slots=True)
class Measurement:
    """How accurate a model was found to be.

    Attributes:
        symbol: `all` where none is named.
        accuracy_fraction: 0-1.
    """

    model_type: str
    symbol: str
    at: datetime
    accuracy_fraction: float
