"""Apprise against a real HTTP server, by its json:// plugin: yes, no, nothing in time; and no address in any log."""

import html
import json
import logging
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from tests.contract.notify.sinks import http_sink
from tests.contract.servers.misbehaving import answer, drip, hang
from tests.unit.adapters.notify.notices import HOSTILE, notice
from tradeops.adapters.notify import apprise
from tradeops.adapters.notify.apprise import MOST_TRIES, AppriseChannel
from tradeops.adapters.notify.channel import PermanentDeliveryError, TransientDeliveryError

SECRET = "planted-secret"
YES, NO = answer(b""), answer(b"", status="500 Internal Server Error")


@pytest.fixture(autouse=True)
def loopback_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(apprise, "SECONDS_BETWEEN_MESSAGES", 0.01)


def channel(url: str, *, within: float = 60, more: str = "") -> AppriseChannel:
    target = url.replace("http://", f"json://user:{SECRET}@") + f"/{SECRET}{more}"
    return AppriseChannel(SecretStr(target), number=1, within=timedelta(seconds=within))


async def test_a_notice_arrives_once_and_no_log_tells_its_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with http_sink(YES) as sink:
        tried = channel(sink.url)
        await tried.send(notice(title=HOSTILE, fields=(("strategy", "rsi"),)), idempotency_key="k")
        await tried.send(notice(), idempotency_key="k")
    [post] = sink.posts
    body = json.loads(post.body)
    assert body["type"] == "failure"
    assert body["title"].startswith("[CRITICAL] </b><script>")
    assert "@everyone" not in body["title"]
    assert "<!channel>" not in body["title"]
    assert body["message"] == "It refused the connection.\nSince 03:14 UTC.\nstrategy: rsi"
    assert SECRET not in caplog.text


@pytest.mark.parametrize("more", ["", "?redirect=yes"])
async def test_a_redirect_takes_the_message_nowhere(more: str) -> None:
    async with http_sink(YES) as inside:
        away = answer(b"", status="307 Temporary Redirect", headers=(f"location: {inside.url}/latest/meta-data",))
        async with http_sink(away) as sink:
            with pytest.raises(TransientDeliveryError):
                await channel(sink.url, more=more).send(notice(), idempotency_key="k")
        assert sink.posts
    assert not inside.posts


async def test_a_no_is_tried_again_a_few_times_and_then_never(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with http_sink(NO) as sink:
        tried = channel(sink.url)
        for _ in range(MOST_TRIES - 1):
            with pytest.raises(TransientDeliveryError) as caught:
                await tried.send(notice(), idempotency_key="k")
            assert caught.value.may_have_arrived
            assert SECRET not in str(caught.value)
        with pytest.raises(PermanentDeliveryError, match=f"tried {MOST_TRIES} times; check NOTIFY_URLS"):
            await tried.send(notice(), idempotency_key="k")
        with pytest.raises(TransientDeliveryError):
            await tried.send(notice(), idempotency_key="another")
    assert len(sink.posts) == MOST_TRIES + 1
    assert SECRET not in caplog.text


async def test_a_target_that_hangs_is_left_although_its_own_bounds_are_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise, "READ_SECONDS", 0.3)
    async with http_sink(hang) as sink:
        began = time.monotonic()
        with pytest.raises(TransientDeliveryError, match="could not deliver"):
            await channel(sink.url, more="?rto=500&cto=500").send(notice(), idempotency_key="k")
        assert time.monotonic() - began < 30


async def test_a_target_that_drips_is_left_in_time() -> None:
    async with http_sink(drip) as sink:
        tried = channel(sink.url)
        await tried._loaded()  # the import is not what is measured
        tried._within = timedelta(seconds=0.4)
        began = time.monotonic()
        with pytest.raises(TransientDeliveryError, match=r"longer than 0\.4 s") as caught:
            await tried.send(notice(), idempotency_key="k")
        assert time.monotonic() - began < 20
    assert caught.value.may_have_arrived


async def test_apprise_that_does_not_load_in_time_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise, "_load", lambda _: time.sleep(1))
    with pytest.raises(TransientDeliveryError) as caught:
        await channel("http://127.0.0.1:9", within=0.05).send(notice(), idempotency_key="k")
    assert not caught.value.may_have_arrived


@pytest.mark.parametrize("target", ["nothing://host", "json://", "tgram://no"], ids=["unknown", "no host", "malformed"])
async def test_a_target_that_apprise_does_not_understand_is_for_good(target: str) -> None:
    with pytest.raises(PermanentDeliveryError, match=r"target 3 of NOTIFY_URLS \(\w+\); check NOTIFY_URLS"):
        await AppriseChannel(SecretStr(target), number=3).send(notice(), idempotency_key="k")


async def test_a_long_notice_arrives_whole_and_goes_on_where_it_broke_off() -> None:
    body = "\n".join(f"line {number:05}" for number in range(6000))
    async with http_sink(YES, NO, YES) as sink:
        tried = channel(sink.url)
        with pytest.raises(TransientDeliveryError):
            await tried.send(notice(body=body), idempotency_key="k")
        await tried.send(notice(body=body), idempotency_key="k")
    messages = [json.loads(post.body)["message"] for post in sink.posts]
    assert messages[1] == messages[2]
    arrived = [line for message in (messages[0], *messages[2:]) for line in message.split("\n")]
    assert [line.partition(" (")[0] for line in arrived] == body.split("\n")
    assert messages[0].endswith(f" (1/{len(messages) - 1})")


@pytest.mark.parametrize(
    ("body_room", "title_room"), [(160, 0), (4096, 250), (40, 0)], ids=["SMS", "usual", "hardly any room"]
)
def test_messages_fit_a_target_of_any_size(body_room: int, title_room: int) -> None:
    plugin = SimpleNamespace(body_maxlen=body_room, title_maxlen=title_room, body_max_line_count=0)
    made = apprise._messages(notice(title="t" * 300, body="<b> & words " * 30), plugin)
    everything = " ".join(text for _, text in made)
    assert everything.count("words") == 30
    if body_room > 40:
        assert all(len(title) + len(html.escape(text)) <= body_room for title, text in made)


def test_a_target_that_takes_one_line_gets_all_lines_in_it() -> None:
    plugin = SimpleNamespace(body_maxlen=160, title_maxlen=0, body_max_line_count=1)
    [(_, text)] = apprise._messages(notice(title="t", body="a\n\nb"), plugin)
    assert text == "a · b"


def test_a_notice_without_a_body_says_its_title() -> None:
    plugin = SimpleNamespace(body_maxlen=160, title_maxlen=0, body_max_line_count=0)
    assert apprise._messages(notice(title="t", body=""), plugin) == [("[CRITICAL] t", "[CRITICAL] t")]
