"""What an answer means for a delivery, and what a second try does not send again. The wire is respx."""

import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import respx

from tests.unit.adapters.notify.notices import notice
from tradeops.adapters.notify.channel import Channel, PermanentDeliveryError, TransientDeliveryError
from tradeops.adapters.notify.discord import DiscordChannel
from tradeops.adapters.notify.posting import REMEMBERED, Progress
from tradeops.adapters.notify.slack import SlackChannel
from tradeops.adapters.notify.telegram import TelegramChannel
from tradeops.adapters.notify.webhook import WebhookChannel, signature
from tradeops.http import HttpPolicy, HttpService, open_pool

ORIGIN = "http://chat.test"
PATH = "/hooks/planted-secret"
TOKEN = "7:planted-secret"
AT_ONCE = timedelta(0)


@pytest.fixture
async def pool() -> AsyncIterator[httpx.AsyncClient]:
    async with open_pool() as client:
        yield client


def channel(pool: httpx.AsyncClient, name: str) -> Channel:
    secret = TOKEN if name == "telegram" else PATH[1:]
    http = HttpService(pool, system=name, base_url=ORIGIN, policy=HttpPolicy(), secrets=(secret,))
    match name:
        case "slack":
            return SlackChannel(http, PATH, pause=AT_ONCE)
        case "discord":
            return DiscordChannel(http, PATH, pause=AT_ONCE)
        case "telegram":
            return TelegramChannel(http, TOKEN, "1", pause=AT_ONCE)
    return WebhookChannel(http, PATH, secret="key", now=lambda: 1795576507.9)


def url(name: str) -> str:
    return f"{ORIGIN}/bot{TOKEN}/sendMessage" if name == "telegram" else ORIGIN + PATH


def accepting(name: str) -> httpx.Response:
    match name:
        case "slack":
            return httpx.Response(200, text="ok")
        case "telegram":
            return httpx.Response(200, json={"ok": True, "result": {"message_id": 1}})
    return httpx.Response(204)


def telegram_says(code: int, description: str, **parameters: object) -> str:
    body = {"ok": False, "error_code": code, "description": description}
    return json.dumps(body | ({"parameters": parameters} if parameters else {}))


NAMES = ["slack", "discord", "telegram", "webhook"]


@pytest.mark.parametrize("name", NAMES)
async def test_an_accepted_notice_is_posted_once(
    name: str, pool: httpx.AsyncClient, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.post(url(name)).mock(return_value=accepting(name))
    await channel(pool, name).send(notice(), idempotency_key="k")
    assert route.call_count == 1
    assert "Bot engine is down" in route.calls.last.request.content.decode()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 302])
async def test_a_refusal_is_permanent_names_the_setting_and_hides_the_address(
    name: str, status: int, pool: httpx.AsyncClient, respx_mock: respx.MockRouter
) -> None:
    respx_mock.post(url(name)).respond(status, text=f"no_service {PATH} {TOKEN}")
    with pytest.raises(PermanentDeliveryError, match="; check ") as caught:
        await channel(pool, name).send(notice(), idempotency_key="k")
    assert caught.value.system == name
    assert f"HTTP {status}" in str(caught.value)
    own = TOKEN if name == "telegram" else PATH
    assert own not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_a_server_in_trouble_may_have_taken_it(
    name: str, status: int, pool: httpx.AsyncClient, respx_mock: respx.MockRouter
) -> None:
    respx_mock.post(url(name)).respond(status, text="<html>oops</html>")
    with pytest.raises(TransientDeliveryError) as caught:
        await channel(pool, name).send(notice(), idempotency_key="k")
    assert (caught.value.retry_after, caught.value.may_have_arrived) == (None, True)


@pytest.mark.parametrize(
    ("name", "body", "headers", "expected"),
    [
        pytest.param("slack", "rate_limited", {"Retry-After": "30"}, timedelta(seconds=30), id="slack"),
        pytest.param("webhook", "", {"Retry-After": "7"}, timedelta(seconds=7), id="webhook"),
        pytest.param("webhook", "", {}, None, id="without a word"),
        pytest.param("discord", '{"retry_after": 0.75}', {"Retry-After": "1"}, timedelta(seconds=1), id="discord"),
        pytest.param("discord", '{"retry_after": 0.75}', {}, timedelta(seconds=0.75), id="discord in the body"),
        pytest.param("discord", '{"retry_after": NaN}', {}, None, id="discord, no number"),
        pytest.param("discord", "<html>banned</html>", {}, None, id="discord's proxy"),
        pytest.param(
            "telegram", telegram_says(429, "Too Many Requests", retry_after=5), {}, timedelta(seconds=5), id="telegram"
        ),
        pytest.param("telegram", telegram_says(429, "x", retry_after="5"), {}, None, id="telegram, no number"),
        pytest.param("telegram", "", {}, None, id="telegram without a body"),
    ],
)
async def test_a_429_says_when_to_come_back_and_that_it_did_not_arrive(
    name: str,
    body: str,
    headers: dict[str, str],
    expected: timedelta | None,
    pool: httpx.AsyncClient,
    respx_mock: respx.MockRouter,
) -> None:
    respx_mock.post(url(name)).respond(429, text=body, headers=headers)
    with pytest.raises(TransientDeliveryError) as caught:
        await channel(pool, name).send(notice(), idempotency_key="k")
    assert (caught.value.retry_after, caught.value.may_have_arrived) == (expected, False)


@pytest.mark.parametrize(
    ("name", "body"),
    [("slack", "<html>portal</html>"), ("slack", ""), ("telegram", "<html>portal</html>"), ("telegram", "[]")],
)
async def test_a_200_alone_proves_nothing(
    name: str, body: str, pool: httpx.AsyncClient, respx_mock: respx.MockRouter
) -> None:
    respx_mock.post(url(name)).respond(200, text=body)
    with pytest.raises(TransientDeliveryError, match="did not say ok") as caught:
        await channel(pool, name).send(notice(), idempotency_key="k")
    assert caught.value.may_have_arrived


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        pytest.param(200, telegram_says(400, "Bad Request: chat not found"), "chat not found", id="inside a 200"),
        pytest.param(403, telegram_says(403, "bot was blocked"), "HTTP 403", id="blocked"),
        pytest.param(
            400, telegram_says(400, "group upgraded", migrate_to_chat_id=-1007), "group upgraded", id="group moved"
        ),
    ],
)
async def test_telegram_refuses_in_words(
    status: int, body: str, problem: str, pool: httpx.AsyncClient, respx_mock: respx.MockRouter
) -> None:
    respx_mock.post(url("telegram")).respond(status, text=body)
    with pytest.raises(PermanentDeliveryError, match=problem):
        await channel(pool, "telegram").send(notice(), idempotency_key="k")


async def test_a_group_that_moved_says_where_to(pool: httpx.AsyncClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.post(url("telegram")).respond(400, text=telegram_says(400, "upgraded", migrate_to_chat_id=-1007))
    with pytest.raises(PermanentDeliveryError, match="set TELEGRAM_CHAT_ID=-1007"):
        await channel(pool, "telegram").send(notice(), idempotency_key="k")


@pytest.mark.parametrize(
    ("fault", "may_have_arrived"),
    [
        pytest.param(httpx.ConnectError("refused"), False, id="refused"),
        pytest.param(httpx.ConnectTimeout("slow"), False, id="no connection in time"),
        pytest.param(httpx.ReadTimeout("slow"), True, id="no answer in time"),
        pytest.param(httpx.ReadError("reset"), True, id="reset"),
        pytest.param(httpx.RemoteProtocolError("illegal"), True, id="no HTTP"),
    ],
)
async def test_a_broken_connection_says_whether_it_may_have_arrived(
    fault: httpx.HTTPError, may_have_arrived: bool, pool: httpx.AsyncClient, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.post(url("slack")).mock(side_effect=fault)
    with pytest.raises(TransientDeliveryError) as caught:
        await channel(pool, "slack").send(notice(), idempotency_key="k")
    assert caught.value.may_have_arrived is may_have_arrived
    assert route.call_count == 1


@pytest.mark.parametrize("name", ["slack", "discord", "telegram"])
async def test_a_second_try_goes_on_after_the_last_part_that_was_accepted(
    name: str, pool: httpx.AsyncClient, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.post(url(name)).mock(side_effect=[accepting(name), httpx.Response(429), *[accepting(name)] * 9])
    sent = notice(body="x" * 9000)
    tried = channel(pool, name)
    with pytest.raises(TransientDeliveryError) as caught:
        await tried.send(sent, idempotency_key="k")
    assert caught.value.may_have_arrived  # a part of it has
    await tried.send(sent, idempotency_key="k")
    parts = [call.request.content.decode() for call in route.calls]
    assert sum("part 1 of 3" in part for part in parts) == 1
    assert [sum(f"part {n} of 3" in part for part in parts) for n in (2, 3)] == [2, 1]
    await tried.send(sent, idempotency_key="k")
    assert route.call_count == 4
    await tried.send(sent, idempotency_key="another")
    assert route.call_count == 7


async def test_messages_keep_their_distance(pool: httpx.AsyncClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.post(url("slack")).mock(return_value=accepting("slack"))
    http = HttpService(pool, system="slack", base_url=ORIGIN, policy=HttpPolicy())
    slow = SlackChannel(http, PATH, pause=timedelta(seconds=0.05))
    began = time.monotonic()
    await slow.send(notice(body="x" * 9000), idempotency_key="k")
    await slow.send(notice(), idempotency_key="l")
    assert time.monotonic() - began >= 0.15


async def test_the_webhook_is_signed_over_time_and_body_and_has_a_key(
    pool: httpx.AsyncClient, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.post(url("webhook")).respond(204)
    hook = channel(pool, "webhook")
    await hook.send(notice(fields=(("a", "\ud83d<b>"),), link="https://x.example"), idempotency_key="incident 7\n")
    request = route.calls.last.request
    assert request.headers["x-tradeops-timestamp"] == "1795576507"
    expected = signature(b"key", "1795576507", request.content)
    assert request.headers["x-tradeops-signature"] == f"sha256={expected}"
    assert signature(b"other", "1795576507", request.content) != expected
    assert signature(b"key", "1795576508", request.content) != expected
    assert len(request.headers["idempotency-key"]) == 64
    assert json.loads(request.content) == {
        "version": 1,
        "key": "incident-7:opened",
        "event": "health_critical",
        "level": "CRITICAL",
        "title": "Bot engine is down",
        "body": "It refused the connection.\nSince 03:14 UTC.",
        "fields": [{"name": "a", "value": "\ufffd<b>"}],
        "link": "https://x.example",
        "occurred_at": "2026-11-25T03:15:07+00:00",
    }


def test_the_signature_is_the_one_that_openssl_computes() -> None:
    expected = (
        "1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224"  # printf 1.{} | openssl dgst -hmac key
    )
    assert signature(b"key", "1", b"{}") == expected


def test_only_the_newest_keys_are_remembered() -> None:
    progress = Progress()
    for number in range(REMEMBERED + 1):
        progress.add(str(number), "0")
    assert progress.done("0") == frozenset()
    assert progress.done(str(REMEMBERED)) == {"0"}
