"""What the doctor says of the configured model: whether it is offered, and whether it has a price."""

import asyncio
from datetime import UTC, datetime, timedelta

from tradeops.adapters.llm.client import LlmClient
from tradeops.domain.costs.money import exact
from tradeops.domain.diagnosis import Check, Verdict
from tradeops.domain.health import Severity
from tradeops.domain.llm import judge_offer
from tradeops.errors import MisconfiguredError, TradeOpsError
from tradeops.settings import Settings
from tradeops.wiring import prices

PATIENCE = timedelta(seconds=5)
SECTION = "llm"


async def check_model(client: LlmClient | None, settings: Settings) -> list[Check]:
    """Nothing without a key; an endpoint that cannot be asked has a line of its own elsewhere."""
    if client is None:
        return []
    now = datetime.now(UTC)
    return [*await _offered(client, settings.openai_model, now), _priced(settings, now)]


async def _offered(client: LlmClient, model: str, now: datetime) -> list[Check]:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            offered = (await client.offer()).value
    except (TradeOpsError, TimeoutError):
        return []
    severity, problem = judge_offer(offered, model, now.date())
    if severity is not Severity.HEALTHY:
        return [Check(SECTION, "model", Verdict.PROBLEM, problem)]
    detail = f"{model} is offered" if offered else f"{model}: the endpoint lists no models"
    return [Check(SECTION, "model", Verdict.OK, detail)]


def _priced(settings: Settings, now: datetime) -> Check:
    model = settings.openai_model
    try:
        table = prices(settings)
    except MisconfiguredError as error:
        return Check(SECTION, "price", Verdict.PROBLEM, error.problem, error.remedy)
    price = table.price(model, now)
    if price is None:
        remedy = "give it one by TRADEOPS_LLM_PRICE_FILE, or set TRADEOPS_LLM_UNKNOWN_MODEL_USD_PER_MILLION"
        return Check(SECTION, "price", Verdict.PROBLEM, f"{model} has no price, so it is not asked", remedy)
    detail = (
        f"{exact(price.input)} for a million tokens in, {exact(price.output)} out, by the prices of {table.version}"
    )
    return Check(SECTION, "price", Verdict.OK, detail)
