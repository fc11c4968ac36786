"""What the engine sends, as it is on the wire; `client` maps it to the domain."""

import math
from decimal import Decimal
from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field, PlainValidator, StrictBool, StrictStr

from tradeops.adapters.wire import (
    Count,
    EpochMilliseconds,
    Moment,
    Money,
    NonNegativeMoney,
    Number,
    PositiveMoney,
    WireModel,
)
from tradeops.domain.engine_claims import Claim
from tradeops.domain.portfolio.portfolio import Side


def _side(value: object) -> object:
    known = {"long": Side.LONG, "short": Side.SHORT}
    return known.get(value.lower(), value) if isinstance(value, str) else value


def _claim(value: object) -> Claim | None:
    """A figure that is only shown: one that is no number is not there, and costs no answer."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return Claim(Decimal(repr(value)))


Milliseconds = Annotated[Count, Field(le=10**14)]  # 3,000 years; a longer one is no time at all
WireSide = Annotated[Side, BeforeValidator(_side)]
WireClaim = Annotated[Claim | None, PlainValidator(_claim)]


class Status(WireModel):
    """GET /api/paper-trading/status."""

    is_running: StrictBool
    last_updated: Moment


class Claims(WireModel):
    """What either shape of the portfolio says of its own trading."""

    win_rate: WireClaim = None
    profit_factor: WireClaim = None
    sharpe_ratio: WireClaim = None
    average_profit_per_trade: WireClaim = None


class EnginePortfolio(Claims):
    """GET /api/paper-trading/portfolio as the engine's release has it."""

    current_balance: Money
    equity: Money
    total_pnl: Money
    total_pnl_percentage: Money
    total_trades: Count
    max_drawdown_percentage: NonNegativeMoney


class FlatPortfolio(Claims):
    """GET /api/paper-trading/portfolio as other deployments have it: fewer fields, other names."""

    balance: Money
    total_return_percent: Annotated[
        Money, Field(validation_alias=AliasChoices("total_return_percent", "total_pnl_percentage"))
    ]
    winning_trades: Count | None = None
    losing_trades: Count | None = None
    equity: Money | None = None
    total_pnl: Money | None = None
    total_trades: Count | None = None
    max_drawdown_percentage: NonNegativeMoney | None = None


class Trade(WireModel):
    """What open and closed trades have in common."""

    id: StrictStr
    symbol: StrictStr
    trade_type: Annotated[WireSide, Field(validation_alias=AliasChoices("trade_type", "side"))]
    entry_price: PositiveMoney
    quantity: PositiveMoney
    leverage: Annotated[Count, Field(ge=1)]
    open_time: Moment


class OpenTradeRecord(Trade):
    """An element of GET /api/paper-trading/trades/open."""

    pnl: Annotated[Money | None, Field(validation_alias=AliasChoices("pnl", "pnl_usdt"))] = None
    stop_loss: PositiveMoney | None = None
    take_profit: PositiveMoney | None = None
    strategy: StrictStr | None = None


class ClosedTradeRecord(Trade):
    """An element of GET /api/paper-trading/trades/closed; `pnl_percentage` is a stale mark and not read."""

    exit_price: PositiveMoney
    pnl: Annotated[Money, Field(validation_alias=AliasChoices("pnl", "pnl_usdt"))]
    close_time: Annotated[Moment, Field(validation_alias=AliasChoices("close_time", "executed_at"))]
    duration_ms: Milliseconds | None = None
    strategy: StrictStr | None = None


class SymbolEntry(WireModel):
    """A value of GET /api/paper-trading/symbols; null is "the engine's default"."""

    enabled: StrictBool
    leverage: Count | None = None
    position_size_pct: NonNegativeMoney | None = None
    stop_loss_pct: NonNegativeMoney | None = None
    take_profit_pct: NonNegativeMoney | None = None
    max_positions: Count | None = None


class Basic(WireModel):
    """The `basic` part of GET /api/paper-trading/basic-settings."""

    initial_balance: PositiveMoney
    trading_fee_rate: NonNegativeMoney


class BasicSettingsAnswer(WireModel):
    """GET /api/paper-trading/basic-settings."""

    basic: Basic


class PriceRecord(WireModel):
    """A value of GET /api/market/prices."""

    symbol: StrictStr
    price: PositiveMoney


class CandleRecord(WireModel):
    """An element of `candles`; `is_closed` is absent on the chart routes."""

    timestamp: EpochMilliseconds
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number
    is_closed: StrictBool | None = None


class CandlesAnswer(WireModel):
    """GET /api/market/candles/{symbol}/{timeframe}; the 24 h figures beside the candles are wrong and not read."""

    symbol: StrictStr
    timeframe: StrictStr
    candles: list[object]
