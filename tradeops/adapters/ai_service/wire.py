"""What the AI service sends."""

from pydantic import StrictBool, StrictStr

from tradeops.adapters.wire import Count, Moment, NonNegativeMoney, WireModel


class Health(WireModel):
    """GET /health; its `status` is always "healthy" and not read."""

    mongodb_connected: StrictBool
    gpt4_available: StrictBool
    api_key_configured: StrictBool


class Session(WireModel):
    """Counters since the process started."""

    total_requests: Count
    total_cost_usd: NonNegativeMoney
    total_cost_vnd: NonNegativeMoney
    total_input_tokens: Count | None = None
    total_output_tokens: Count | None = None


class Projections(WireModel):
    """Estimates from the average cost of a request."""

    estimated_daily_cost_usd: NonNegativeMoney
    estimated_daily_cost_vnd: NonNegativeMoney
    estimated_monthly_cost_usd: NonNegativeMoney
    estimated_monthly_cost_vnd: NonNegativeMoney


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
