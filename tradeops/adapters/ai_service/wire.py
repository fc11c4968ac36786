"""What the AI service sends."""

from typing import Annotated

from pydantic import Field, StrictBool, StrictStr

from tradeops.adapters.wire import Count, Moment, NonNegativeMoney, Number, WireModel

Cost = Annotated[NonNegativeMoney, Field(le=10**15)]  # beyond it no cost is meant, in dong neither


class Health(WireModel):
    """GET /health; its `status` is always "healthy" and not read."""

    mongodb_connected: StrictBool
    gpt4_available: StrictBool
    api_key_configured: StrictBool


class Session(WireModel):
    """Counters since the process started."""

    total_requests: Count
    total_cost_usd: Cost
    total_cost_vnd: Cost
    total_input_tokens: Count | None = None
    total_output_tokens: Count | None = None


class Projections(WireModel):
    """Estimates from the average cost of a request."""

    estimated_daily_cost_usd: Cost
    estimated_daily_cost_vnd: Cost
    estimated_monthly_cost_usd: Cost
    estimated_monthly_cost_vnd: Cost


class Configuration(WireModel):
    """What the estimates were made with."""

    model: StrictStr | None = None


class CostAnswer(WireModel):
    """GET /ai/cost/statistics; the savings figure in it is a constant and not read."""

    session_statistics: Session
    projections: Projections
    configuration: Configuration = Configuration()
    timestamp: Moment


class OpenApi(WireModel):
    """GET /openapi.json, of which only the routes count."""

    paths: dict[StrictStr, dict[StrictStr, object]]


class Accuracy(WireModel):
    """One record of GET /ai/model/accuracy_history, whose shape no sheet has verified."""

    model_type: StrictStr
    accuracy: Annotated[Number, Field(ge=0, le=1)]
    timestamp: Moment
    symbol: StrictStr = "all"
