"""The AI service's answers as its contract sheet has them."""

import contextlib
import json
from collections.abc import AsyncIterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import respx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.adapters.samples import AI_HEALTH, COSTS, OPENAPI
from tests.unit.adapters.services import ADDRESS, serves, service
from tradeops.adapters.ai_service import catalogue
from tradeops.adapters.ai_service.client import AiServiceClient
from tradeops.domain.bot import AiServiceHealth, Measurement
from tradeops.domain.readings import Reading
from tradeops.errors import ContractError, RateLimitedError, RejectedError, TradeOpsError

NEVER_CALLED = ("/debug/gpt4", "/ai/analyze", "/ai/storage/clear", "/ai/config-analysis/trigger", "/predict-trend")


@pytest.fixture
async def ai_service() -> AsyncIterator[AiServiceClient]:
    async with service("ai_service") as http:
        yield AiServiceClient(http)


async def test_health_is_what_it_says_of_its_parts_whatever_its_status_says(
    ai_service: AiServiceClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/health", AI_HEALTH | {"mongodb_connected": False, "gpt4_available": False})
    expected = AiServiceHealth(mongodb_connected=False, gpt4_available=False, api_key_configured=True)
    assert (await ai_service.health()).value == expected


@pytest.mark.parametrize("field", ["mongodb_connected", "gpt4_available", "api_key_configured"])
@pytest.mark.parametrize("value", ["missing", None, "true", 1], ids=repr)
async def test_a_part_of_unknown_state_is_never_taken_for_healthy(
    field: str, value: object, ai_service: AiServiceClient, respx_mock: respx.MockRouter
) -> None:
    body = {k: v for k, v in AI_HEALTH.items() if k != field} | ({} if value == "missing" else {field: value})
    serves(respx_mock, "/health", body)
    with pytest.raises(ContractError, match=f"wrong shape: {field} is"):
        await ai_service.health()


async def test_the_health_route_can_be_set(respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/alive", AI_HEALTH)
    async with service("ai_service") as http:
        client = AiServiceClient(http, health_path="/alive")
        assert (await client.health(within=timedelta(seconds=1))).value.mongodb_connected
        assert client.base_url == ADDRESS


async def test_costs_are_exact_to_the_digit(ai_service: AiServiceClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/ai/cost/statistics", COSTS)
    reading = await ai_service.cost_statistics()
    assert reading.value.total_requests == 120
    assert reading.value.total_cost_usd == Decimal("0.0567")
    assert reading.value.daily_cost_usd == Decimal("1.361")
    assert reading.value.monthly_cost_usd == Decimal("40.82")
    assert reading.value.monthly_cost_vnd == Decimal("938952.0")
    assert reading.value.model == "gpt-4o-mini"
    assert reading.as_of == reading.value.measured_at == datetime(2025, 11, 26, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ("session_statistics", "total_requests"),
        ("session_statistics", "total_cost_usd"),
        ("session_statistics", "total_cost_vnd"),
        ("projections", "estimated_daily_cost_usd"),
        ("projections", "estimated_daily_cost_vnd"),
        ("projections", "estimated_monthly_cost_usd"),
        ("projections", "estimated_monthly_cost_vnd"),
    ],
)
@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -1, "1.0", True], ids=repr)
async def test_a_cost_that_cannot_be_true_is_an_error_that_names_it(
    part: str, field: str, value: object, ai_service: AiServiceClient, respx_mock: respx.MockRouter
) -> None:
    body = deepcopy(COSTS)
    body[part][field] = value
    serves(respx_mock, "/ai/cost/statistics", body)
    with pytest.raises(ContractError, match=rf"{part}\.{field} is"):
        await ai_service.cost_statistics()


async def test_every_wrong_field_is_counted(ai_service: AiServiceClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/ai/cost/statistics", COSTS | {"projections": {}})
    with pytest.raises(ContractError, match=r"estimated_daily_cost_usd is missing \(and 3 more\)"):
        await ai_service.cost_statistics()


async def test_an_error_inside_a_200_is_a_refusal(ai_service: AiServiceClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/ai/cost/statistics", {"error": "Storage not connected"})
    with pytest.raises(RejectedError, match="Storage not connected"):
        await ai_service.cost_statistics()


async def test_a_detail_of_a_4xx_is_kept(ai_service: AiServiceClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/ai/cost/statistics", {"detail": "Not Found"}, status=404)
    with pytest.raises(RejectedError, match="Not Found") as caught:
        await ai_service.cost_statistics()
    assert caught.value.http_status == 404


async def test_its_rate_limit_carries_the_wait(ai_service: AiServiceClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/ai/cost/statistics", {"detail": "slow down"}, status=429, **{"Retry-After": "60"})
    with pytest.raises(RateLimitedError) as caught:
        await ai_service.cost_statistics()
    assert caught.value.retry_after == timedelta(minutes=1)


async def test_its_own_description_lists_the_routes(ai_service: AiServiceClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/openapi.json", OPENAPI)
    assert (await ai_service.routes()).value == {"GET /health", "POST /ai/train", "GET /ai/train"}


@pytest.mark.parametrize(("route", "there"), [("/ai/train", True), ("/ai/other", False), ("/health", False)])
async def test_an_optional_route_is_looked_up_without_calling_it(
    route: str, there: bool, ai_service: AiServiceClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/openapi.json", OPENAPI)
    assert await ai_service.has_route("POST", route) is there
    assert [call.request.url.path for call in respx_mock.calls] == ["/openapi.json"]


async def test_without_a_description_a_harmless_get_finds_out(
    ai_service: AiServiceClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/openapi.json", {"detail": "Not Found"}, status=404)
    serves(respx_mock, "/ai/train", {"detail": "Method Not Allowed"}, status=405)
    assert await ai_service.has_route("POST", "/ai/train")
    assert {call.request.method for call in respx_mock.calls} == {"GET"}


async def test_no_read_and_no_check_touches_a_paid_or_destructive_route(
    ai_service: AiServiceClient, respx_mock: respx.MockRouter
) -> None:
    respx_mock.route().respond(404)
    for endpoint in catalogue.NEEDED:
        with pytest.raises(RejectedError):
            await endpoint.read(ai_service)
    for optional in catalogue.OPTIONAL:
        assert not await optional.has_route(ai_service, optional.verb, optional.path)
    assert len(respx_mock.calls) == 6
    assert {call.request.method for call in respx_mock.calls} == {"GET"}
    assert not {call.request.url.path for call in respx_mock.calls} & set(NEVER_CALLED)


@given(
    body=st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.dictionaries(st.sampled_from([*AI_HEALTH, *COSTS, "paths", "error"]), inner, max_size=4),
        max_leaves=10,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@pytest.mark.parametrize("read", ["health", "cost_statistics", "routes"])
async def test_no_answer_can_cause_anything_but_a_reading_or_a_typed_error(
    read: str, body: object, ai_service: AiServiceClient
) -> None:
    with respx.mock, contextlib.suppress(TradeOpsError):
        respx.get(url__startswith=ADDRESS).respond(content=json.dumps(body))
        assert isinstance(await getattr(ai_service, read)(), Reading)


MEASURED = {"model_type": "lstm", "accuracy": 0.52, "timestamp": "2026-11-24T03:00:00+00:00"}


@pytest.mark.parametrize("body", [[MEASURED], {"history": [MEASURED]}, {"data": [MEASURED]}], ids=str)
async def test_accuracy_is_read_from_any_list_of_records(
    body: object, ai_service: AiServiceClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/ai/model/accuracy_history?days=60", body)
    at = datetime(2026, 11, 24, 3, tzinfo=UTC)
    assert (await ai_service.accuracy_history(days=60)).value == (Measurement("lstm", "all", at, 0.52),)


@pytest.mark.parametrize("body", [{}, {"history": {}}, [{"accuracy": 0.5}], "no"], ids=str)
async def test_accuracy_of_another_shape_breaks_the_contract(
    body: object, ai_service: AiServiceClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/ai/model/accuracy_history?days=60", body)
    with pytest.raises(ContractError):
        await ai_service.accuracy_history(days=60)


@pytest.mark.parametrize("accuracy", [None, -0.1, 52, float("nan")], ids=str)
async def test_an_accuracy_that_cannot_be_true_is_left_out(
    accuracy: float | None, ai_service: AiServiceClient, respx_mock: respx.MockRouter
) -> None:
    content = json.dumps([MEASURED, MEASURED | {"accuracy": accuracy}])
    respx_mock.get(f"{ADDRESS}/ai/model/accuracy_history?days=60").respond(200, content=content)
    reading = await ai_service.accuracy_history(days=60)
    assert (len(reading.value), len(reading.rejected)) == (1, 1)
