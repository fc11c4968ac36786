"""Reads of the AI service. It never calls a route that costs money or deletes."""

from datetime import timedelta
from typing import Any

from tradeops.adapters.ai_service import wire
from tradeops.adapters.presence import route_exists
from tradeops.adapters.wire import as_list, parse, parse_each
from tradeops.domain.bot import AiServiceHealth, Measurement
from tradeops.domain.costs import CostStatistics
from tradeops.domain.readings import Reading
from tradeops.errors import RejectedError
from tradeops.http import Answer, HttpService

HEALTH = "/health"
COST_STATISTICS = "/ai/cost/statistics"
ACCURACY_HISTORY = "/ai/model/accuracy_history"
OPENAPI = "/openapi.json"


class AiServiceClient:
    """The AI service, read only.

    Every read raises UnavailableError, RateLimitedError, MisconfiguredError (401, 403), RejectedError (a 4xx, or an
    `error` inside a 200) and ContractError (the answer is not what the contract says; the field is named).

    Args:
        service: its address and bounds.
        health_path: of the health route.
    """

    def __init__(self, service: HttpService, *, health_path: str = HEALTH) -> None:
        self._service = service
        self._health_path = health_path

    @property
    def base_url(self) -> str:
        """Its address, without credentials."""
        return self._service.base_url

    async def health(self, *, within: timedelta | None = None) -> Reading[AiServiceHealth]:
        """What it says of its own parts; whether that is good is for the caller to judge."""
        answer, body = await self._get(self._health_path, within=within)
        parsed = parse(wire.Health, body, system=answer.system, source=answer.address)
        health = AiServiceHealth(
            mongodb_connected=parsed.mongodb_connected,
            gpt4_available=parsed.gpt4_available,
            api_key_configured=parsed.api_key_configured,
        )
        return answer.reading(health)

    async def cost_statistics(self) -> Reading[CostStatistics]:
        """What it spent since its process started; a null, NaN or negative cost is a ContractError, never 0."""
        answer, body = await self._get(COST_STATISTICS)
        parsed = parse(wire.CostAnswer, body, system=answer.system, source=answer.address)
        session, projections = parsed.session_statistics, parsed.projections
        costs = CostStatistics(
            total_requests=session.total_requests,
            total_cost_usd=session.total_cost_usd,
            total_cost_vnd=session.total_cost_vnd,
            total_input_tokens=session.total_input_tokens,
            total_output_tokens=session.total_output_tokens,
            daily_cost_usd=projections.estimated_daily_cost_usd,
            daily_cost_vnd=projections.estimated_daily_cost_vnd,
            monthly_cost_usd=projections.estimated_monthly_cost_usd,
            monthly_cost_vnd=projections.estimated_monthly_cost_vnd,
            model=parsed.configuration.model,
            measured_at=parsed.timestamp,
        )
        return answer.reading(costs, as_of=parsed.timestamp)

    async def accuracy_history(self, *, days: int) -> Reading[tuple[Measurement, ...]]:
        """How accurate its models were measured to be; records that cannot be true are left out and counted.

        Its shape is not verified: a list of records, by itself or under `history` or `data`, is taken.
        """
        answer, body = await self._get(f"{ACCURACY_HISTORY}?days={days}")
        rows = body.get("history", body.get("data")) if isinstance(body, dict) else body
        records = as_list(rows, system=answer.system, source=answer.address)
        found, rejected = parse_each(
            wire.Accuracy,
            ((f"#{place}", row) for place, row in enumerate(records, 1)),
            lambda one: Measurement(one.model_type, one.symbol, one.timestamp, one.accuracy),
            system=answer.system,
            source=answer.address,
        )
        return answer.reading(found, rejected=rejected)

    async def routes(self) -> Reading[frozenset[str]]:
        """What it serves, as `GET /health`, by its own OpenAPI description."""
        answer, body = await self._get(OPENAPI)
        parsed = parse(wire.OpenApi, body, system=answer.system, source=answer.address)
        routes = frozenset(f"{verb.upper()} {path}" for path, verbs in parsed.paths.items() for verb in verbs)
        return answer.reading(routes)

    async def has_route(self, verb: str, path: str) -> bool:
        """Whether an optional route is there: by the service's own description, by a harmless request without one."""
        try:
            routes = await self.routes()
        except RejectedError:
            return await route_exists(self._service, verb, path)
        return f"{verb} {path}" in routes.value

    async def _get(self, path: str, *, within: timedelta | None = None) -> tuple[Answer, Any]:
        answer = await self._service.request("GET", path, within=within)
        answer.raise_for_status()
        body = answer.json()
        if isinstance(body, dict) and body.get("error"):
            raise RejectedError(answer.system, f"{answer.address} refused: {answer.excerpt()}")
        return answer, body
