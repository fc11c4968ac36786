"""What the levers write back is what they read, to the byte, but for the one field that they turn."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from tradeops.adapters.engine import verbatim
from tradeops.adapters.engine.levers import SYMBOLS, EngineLevers
from tradeops.errors import ContractError, RejectedError
from tradeops.http import HttpPolicy, HttpService, open_pool

ENGINE = "http://engine.test"
ENTRY = (
    '{"enabled":true,"leverage":10,"position_size_pct":5.0,"stop_loss_pct":2.50,"take_profit_pct":1e-7,'
    '"max_positions":null,"trading_hours":{"from":"09:00","days":[1,2.0]},"note":"Nächte ≤ 5 \\" \\\\"}'
)


@pytest.fixture
async def levers() -> AsyncIterator[EngineLevers]:
    async with open_pool() as pool:
        yield EngineLevers(HttpService(pool, system="engine", base_url=ENGINE, policy=HttpPolicy()))


@pytest.mark.parametrize("envelope", ['{"success":true,"data":{"ETHUSDT":%s},"error":null}', '{"ETHUSDT":%s}'])
async def test_every_field_that_we_do_not_know_goes_back_as_it_came(levers: EngineLevers, envelope: str) -> None:
    with respx.mock(base_url=ENGINE) as wire:
        wire.get(SYMBOLS).respond(content=(envelope % ENTRY).encode())
        put = wire.put(SYMBOLS).respond(json={"success": True, "data": {}, "error": None})
        there = await levers.switches()
        await levers.put_switches([there["ETHUSDT"].turned(on=False)])
    off = ENTRY.replace('"enabled":true', '"enabled":false')
    assert put.calls.last.request.content.decode() == f'{{"symbols":{{"ETHUSDT":{off}}}}}'


async def test_nothing_to_put_asks_nothing(levers: EngineLevers) -> None:
    with respx.mock(base_url=ENGINE):
        await levers.put_switches([])


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(200, json={"success": False, "data": None, "error": "no"}), RejectedError),
        (httpx.Response(404), RejectedError),
        (httpx.Response(200, content=b"{broken"), ContractError),
    ],
)
async def test_a_route_that_does_not_say_yes_has_not_said_yes(
    levers: EngineLevers, answer: httpx.Response, error: type[Exception]
) -> None:
    with respx.mock(base_url=ENGINE) as wire:
        route = wire.post("/api/strategies/RSI%20Strategy/disable").mock(return_value=answer)
        with pytest.raises(error):
            await levers.disable_strategy("RSI Strategy", "lost")
    assert json.loads(route.calls.last.request.content) == {"reason": "lost", "emergency": True}


@pytest.mark.parametrize("body", [b"", b"ok", b'{"strategy":"RSI Strategy"}'])
async def test_any_other_body_of_a_success_is_a_yes(levers: EngineLevers, body: bytes) -> None:
    with respx.mock(base_url=ENGINE) as wire:
        wire.post(path__regex=".*").respond(content=body)
        await levers.disable_strategy("RSI Strategy", "lost")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_json_comes_out_as_it_went_in(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert verbatim.dumps(verbatim.loads(text)) == text
