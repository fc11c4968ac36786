"""Whether the language model can be reached, free of charge."""

from collections.abc import AsyncIterator

import pytest
import respx

from tests.unit.adapters.samples import MODELS
from tests.unit.adapters.services import ADDRESS, serves, service
from tradeops.adapters.llm.client import LlmClient
from tradeops.errors import ContractError, MisconfiguredError, RateLimitedError

KEY = "sk-planted-secret"


@pytest.fixture
async def llm() -> AsyncIterator[LlmClient]:
    async with service("llm", Authorization=f"Bearer {KEY}") as http:
        yield LlmClient(http)


async def test_the_models_are_listed_with_our_key(llm: LlmClient, respx_mock: respx.MockRouter) -> None:
    route = serves(respx_mock, "/models", MODELS)
    assert (await llm.models()).value == ("gpt-4o-mini", "other")
    assert route.calls.last.request.headers["authorization"] == f"Bearer {KEY}"
    assert llm.base_url == ADDRESS


@pytest.mark.parametrize("status", [401, 403])
async def test_a_wrong_key_is_a_matter_of_settings_and_never_shown(
    status: int, llm: LlmClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/models", {"error": {"message": f"Incorrect API key provided: {KEY}"}}, status=status)
    with pytest.raises(MisconfiguredError, match=r"Incorrect API key provided: \*\*\*") as caught:
        await llm.models()
    assert KEY not in str(caught.value)


async def test_a_limit_carries_its_wait_or_says_there_is_none(llm: LlmClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/models", {"error": {"code": "insufficient_quota"}}, status=429)
    with pytest.raises(RateLimitedError, match="insufficient_quota") as caught:
        await llm.models()
    assert caught.value.retry_after is None


@pytest.mark.parametrize(
    "body", ["<html>", {}, {"data": {}}, {"data": [{"name": "x"}]}, [], {"data": [None]}], ids=repr
)
async def test_anything_but_a_list_of_models_breaks_the_contract(
    body: object, llm: LlmClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/models", body)
    with pytest.raises(ContractError):
        await llm.models()
