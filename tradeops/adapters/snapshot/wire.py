"""An analysis of performance as it is kept: what Redis and the store give back is checked before it is relied on."""

import json
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from tradeops.adapters.wire import Count, Moment, Number, WireModel, parse
from tradeops.errors import ContractError

SYSTEM = "snapshot"


def _date(value: object) -> date:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("not_a_date", "is no date in a string")


IsoDate = Annotated[date, BeforeValidator(_date)]
Percent = Annotated[Number, Field(ge=0, le=100)]
Status = Literal["good", "warning", "critical", "unknown"]


class Statuses(WireModel):
    """The verdict on each metric."""

    win_rate_status: Status
    avg_profit_per_trade_status: Status
    sharpe_ratio_status: Status


class KeptDay(WireModel):
    """One of the seven days by itself; units as in `KeptAnalysis`."""

    date: IsoDate
    total_trades: Count
    win_rate: Percent | None
    avg_profit_per_trade: Number | None
    sharpe_ratio: Number | None


class KeptAnalysis(WireModel):
    """One day's analysis, as far as others rely on it.

    Attributes:
        date: of the analysis; its seven days end where this one begins.
        finished_at: aware UTC.
        total_trades: of the seven days.
        win_rate: percent (0-100); `None` is n/a, as for the two that follow.
        avg_profit_per_trade: percent of notional.
        sharpe_ratio: annualised, of daily returns.
        performance_status: of the worst metric.
        trigger_ai_analysis: whether any metric is critical.
        data_as_of: how old its trades are; `None` where it is not said, as for all that follow.
        win_rate_interval: both ends of the 95 % interval, percent.
        targets: of each metric.
        critical_limits: of each metric.
        daily: each of the seven days.
    """

    date: IsoDate
    finished_at: Moment
    total_trades: Count
    win_rate: Percent | None
    avg_profit_per_trade: Number | None
    sharpe_ratio: Number | None
    performance: Statuses
    performance_status: Literal["good", "warning", "critical", "insufficient_data"]
    trigger_ai_analysis: bool
    data_as_of: Moment | None = None
    win_rate_interval: Annotated[list[Percent | None], Field(min_length=2, max_length=2)] | None = None
    targets: dict[str, Number] | None = None
    critical_limits: dict[str, Number] | None = None
    daily: list[KeptDay] | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.trigger_ai_analysis is not (self.performance_status == "critical"):
            raise PydanticCustomError("implausible", "is contradictory: trigger and status do not agree")
        return self


def kept_analysis(body: object, *, source: str) -> KeptAnalysis:
    """What a body of the store says.

    Raises:
        ContractError: it is no analysis; names the first wrong field.
    """
    return parse(KeptAnalysis, body, system=SYSTEM, source=source)


def from_text(text: str, *, source: str) -> KeptAnalysis:
    """What a text of Redis says.

    Raises:
        ContractError: it is no JSON, or no analysis.
    """
    try:
        body: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise ContractError(SYSTEM, f"{source} holds something that is no JSON") from None
    return kept_analysis(body, source=source)
