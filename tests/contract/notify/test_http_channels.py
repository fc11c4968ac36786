"""Slack, Discord, Telegram and a webhook against real HTTP servers, wired from settings as in the product."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.contract.notify.sinks import HttpSink, certificate, http_sink, silent_server
from tests.contract.servers.misbehaving import Behaviour, answer, drip, hang, raw, reset, then_close
from tests.unit.adapters.notify.notices import HOSTILE, notice
from tradeops import wiring
from tradeops.adapters.notify.channel import (
    Channel,
    DeliveryError,
    PermanentDeliveryError,
    TransientDeliveryError,
)
from tradeops.adapters.notify.webhook import signature
from tradeops.settings import Settings
from tradeops.wiring import open_channels

NAMES = ["slack", "discord", "telegram", "webhook"]
SECRET = "planted-secret"
ACCEPTS = {
    "slack": answer(b"ok"),
    "discord": answer(b"", status="204 No Content"),
    "telegram": answer(b'{"ok":true,"result":{"message_id":1}}'),
    "webhook": answer(b"", status="202 Accepted"),
}


@pytest.fixture(autouse=True)
def time_out(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Long, where time is not the fault; and how to have it shorter."""

    def within(seconds: float) -> None:
        monkeypatch.setattr(wiring, "CHANNEL_TIME_OUT", timedelta(seconds=seconds))

    within(30)
    return within


def settings_for(url: str, *names: str) -> Settings:
    every = {
        "slack": {"SLACK_WEBHOOK_URL": f"{url}/services/{SECRET}"},
        "discord": {"DISCORD_WEBHOOK_URL": f"{url}/api/webhooks/1/{SECRET}?wait=true"},
        "telegram": {
            "TELEGRAM_BOT_TOKEN": f"1:{SECRET}",
            "TELEGRAM_CHAT_ID": "-7",
            "TRADEOPS_TELEGRAM_API_URL": url,
        },
        "webhook": {
            "TRADEOPS_WEBHOOK_URL": url.replace("//", f"//user:{SECRET}@") + f"/hook?token={SECRET}",
            "TRADEOPS_WEBHOOK_SECRET": "key",
        },
    }
    values = {key: value for name in names for key, value in every[name].items()}
    return Settings.model_validate(values | {"NOTIFICATION_CHANNELS": ",".join(names)})


@asynccontextmanager
async def one(name: str, *behaviours: Behaviour) -> AsyncIterator[tuple[Channel, HttpSink]]:
    async with http_sink(*behaviours) as sink, open_channels(settings_for(sink.url, name)) as channels:
        yield channels[name], sink


async def failure(channel: Channel) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await channel.send(notice(), idempotency_key="k")
    assert SECRET not in str(caught.value)
    assert caught.value.system == channel.name
    return caught.value


@pytest.mark.parametrize("name", NAMES)
async def test_a_notice_arrives_once_at_its_address_and_no_log_tells_it(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with one(name, ACCEPTS[name]) as (channel, sink):
        await channel.send(notice(title=HOSTILE), idempotency_key="k")
    [post] = sink.posts
    expected = {
        "slack": f"/services/{SECRET}",
        "discord": f"/api/webhooks/1/{SECRET}?wait=true",
        "telegram": f"/bot1:{SECRET}/sendMessage",
        "webhook": f"/hook?token={SECRET}",
    }
    assert post.path == expected[name]
    assert post.headers["content-type"] == "application/json"
    assert "It refused the connection." in json.dumps(json.loads(post.body))
    assert SECRET not in caplog.text


async def test_the_receiver_of_a_webhook_can_check_signature_login_and_key() -> None:
    async with one("webhook", answer(b"", status="503 Busy"), ACCEPTS["webhook"]) as (channel, sink):
        await failure(channel)
        await channel.send(notice(), idempotency_key="k")
    first, second = sink.posts
    for post in (first, second):
        expected = signature(b"key", post.headers["x-tradeops-timestamp"], post.body.encode())
        assert post.headers["x-tradeops-signature"] == f"sha256={expected}"
        assert abs(int(post.headers["x-tradeops-timestamp"]) - time.time()) < 60
        assert post.headers["authorization"].startswith("Basic ")
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


@pytest.mark.parametrize("name", NAMES)
async def test_a_429_is_obeyed_by_who_asked_and_not_tried_again_here(name: str) -> None:
    limited = answer(b"slow down", status="429 Too Many Requests", headers=("retry-after: 30",))
    telegram = answer(b'{"ok":false,"error_code":429,"parameters":{"retry_after":30}}', status="429 Too Many Requests")
    async with one(name, telegram if name == "telegram" else limited) as (channel, sink):
        error = await failure(channel)
    assert isinstance(error, TransientDeliveryError)
    assert (error.retry_after, error.may_have_arrived) == (timedelta(seconds=30), False)
    assert len(sink.posts) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(answer(b"oops", status="500 Internal Server Error"), id="500"),
        pytest.param(reset, id="reset"),
        pytest.param(then_close(raw(b"")), id="closed without an answer"),
        pytest.param(then_close(answer(b"half", length=100)), id="closed within the answer"),
        pytest.param(hang, id="hangs"),
        pytest.param(drip, id="drips"),
        pytest.param(raw(b"\x16\x03\x01 no HTTP\r\n\r\n"), id="no HTTP"),
    ],
)
async def test_what_may_have_arrived_is_posted_once_and_left_in_time(
    name: str, behave: Behaviour, time_out: Callable[[float], None]
) -> None:
    if behave in {hang, drip}:
        time_out(1.0)
    async with one(name, behave) as (channel, sink):
        began = time.monotonic()
        error = await failure(channel)
        assert time.monotonic() - began < 10
    assert isinstance(error, TransientDeliveryError)
    assert error.may_have_arrived
    assert len(sink.posts) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("status", ["400 Bad Request", "403 Forbidden", "404 Not Found", "410 Gone"])
async def test_a_refusal_is_for_good(name: str, status: str) -> None:
    told = json.dumps({"ok": False, "error_code": int(status[:3]), "description": f"not {SECRET}"}).encode()
    async with one(name, answer(told, status=status)) as (channel, sink):
        error = await failure(channel)
    assert isinstance(error, PermanentDeliveryError)
    assert error.remedy.startswith("check T" if name in {"telegram", "webhook"} else "check ")
    assert len(sink.posts) == 1


async def test_a_redirect_is_not_followed_to_where_the_message_does_not_belong() -> None:
    async with http_sink(ACCEPTS["slack"]) as other:
        moved = answer(b"", status="302 Found", headers=(f"location: {other.url}",))
        async with one("slack", moved) as (channel, _):
            assert isinstance(await failure(channel), PermanentDeliveryError)
    assert other.posts == []


@pytest.mark.parametrize("name", NAMES)
async def test_a_server_that_is_not_there_surely_has_nothing(name: str) -> None:
    async with silent_server(hang) as port:
        pass
    async with open_channels(settings_for(f"http://127.0.0.1:{port}", name)) as channels:
        error = await failure(channels[name])
    assert isinstance(error, TransientDeliveryError)
    assert not error.may_have_arrived


async def test_a_server_whose_certificate_is_not_trusted_gets_nothing_and_may_mend(tmp_path: Path) -> None:
    server, _ = certificate(tmp_path)
    async with (
        http_sink(ACCEPTS["slack"], tls=server) as sink,
        open_channels(settings_for(sink.url, "slack")) as opened,
    ):
        error = await failure(opened["slack"])
    assert isinstance(error, TransientDeliveryError)
    assert not error.may_have_arrived
    assert "the certificate of https://127.0.0.1" in error.problem
    assert sink.posts == []


async def test_a_long_notice_arrives_whole_in_order_and_at_slacks_pace() -> None:
    times: list[float] = []

    async def timed(writer: asyncio.StreamWriter) -> None:
        times.append(time.monotonic())
        await ACCEPTS["slack"](writer)

    body = "\n".join(f"line {number:04}" for number in range(700))
    async with one("slack", timed) as (channel, sink):
        await channel.send(notice(body=body), idempotency_key="k")
    attachments = [json.loads(post.body)["attachments"][0] for post in sink.posts]
    assert "\n".join(attachment["text"] for attachment in attachments) == body
    assert [attachment["footer"] for attachment in attachments] == [
        f"TradeOps · part {number} of 3" for number in (1, 2, 3)
    ]
    assert times[-1] - times[0] > 1.2  # two pauses of a second, less what a busy machine may swallow


async def test_a_dead_channel_keeps_nothing_from_the_others(time_out: Callable[[float], None]) -> None:
    time_out(2.0)
    async with http_sink(hang) as dead, http_sink(ACCEPTS["discord"]) as alive:
        settings = Settings.model_validate({"SLACK_WEBHOOK_URL": dead.url, "DISCORD_WEBHOOK_URL": alive.url})
        async with open_channels(settings) as channels:
            tries = [channel.send(notice(), idempotency_key="k") for channel in channels.values()]
            slack, discord = await asyncio.gather(*tries, return_exceptions=True)
    assert isinstance(slack, TransientDeliveryError)
    assert discord is None
    assert len(alive.posts) == 1


async def test_channels_that_are_switched_off_are_not_opened() -> None:
    values = {"SLACK_WEBHOOK_URL": "http://127.0.0.1:9/x", "NOTIFY_URLS": "json://a json://b"}
    async with open_channels(Settings.model_validate(values)) as channels:
        assert list(channels) == ["slack", "apprise-1", "apprise-2"]
    async with open_channels(Settings.model_validate(values | {"NOTIFICATIONS_ENABLED": "false"})) as channels:
        assert channels == {}
    chosen = values | {"NOTIFICATION_CHANNELS": "apprise"}
    async with open_channels(Settings.model_validate(chosen)) as channels:
        assert list(channels) == ["apprise-1", "apprise-2"]


async def test_e_mail_is_wired_from_its_settings() -> None:
    values = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": "9", "SMTP_USER": "a@b.example", "SMTP_PASSWORD": SECRET}
    async with open_channels(Settings.model_validate(values | {"EMAIL_TO": "c@d.example"})) as channels:
        assert list(channels) == ["email"]
        error = await failure(channels["email"])
    assert "127.0.0.1:9" in error.problem
