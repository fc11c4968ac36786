"""What the exchange sends."""

from typing import Any

from pydantic import Field, StrictInt, StrictStr, model_validator

from tradeops.adapters.wire import (
    EpochMilliseconds,
    NonNegativeTextNumber,
    PositiveTextNumber,
    TextNumber,
    WireModel,
)


class Refusal(WireModel):
    """The body of a 4xx."""

    code: StrictInt
    msg: StrictStr


class Ticker24h(WireModel):
    """GET /api/v3/ticker/24hr."""

    symbol: StrictStr
    last_price: PositiveTextNumber = Field(validation_alias="lastPrice")
    price_change_percent: TextNumber = Field(validation_alias="priceChangePercent")
    volume: NonNegativeTextNumber
    quote_volume: NonNegativeTextNumber = Field(validation_alias="quoteVolume")
    open_time: EpochMilliseconds = Field(validation_alias="openTime")
    close_time: EpochMilliseconds = Field(validation_alias="closeTime")


class Kline(WireModel):
    """An element of GET /api/v3/klines, an array on the wire; what follows `close_time` is not read."""

    open_time: EpochMilliseconds
    open: PositiveTextNumber
    high: PositiveTextNumber
    low: PositiveTextNumber
    close: PositiveTextNumber
    volume: NonNegativeTextNumber
    close_time: EpochMilliseconds

    @model_validator(mode="before")
    @classmethod
    def _from_array(cls, row: Any) -> Any:  # noqa: ANN401 - anything may be on the wire
        return dict(zip(cls.model_fields, row, strict=False)) if isinstance(row, list) else row
