"""What the HTTP policy makes of an answer. What it makes of a broken connection is in tests/contract/servers."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from tradeops.errors import (
    ContractError,
    MisconfiguredError,
    RateLimitedError,
    RejectedError,
    TradeOpsError,
    TransientError,
    UnavailableError,
)
from tradeops.http import Answer, HttpPolicy, HttpService, open_pool
from tradeops.http_faults import never_sent, typed_error
from tradeops.redaction import Redactor

URL = "http://engine.test/api"
NOW = datetime(2026, 11, 24, 12, 0, 10, tzinfo=UTC)
SECRET = "planted-secret"


@pytest.fixture
async def pool() -> AsyncIterator[httpx.AsyncClient]:
    async with open_pool() as client:
        yield client


def answer(
    status: int = 200,
    body: bytes = b"",
    *,
    server_time: datetime | None = None,
    secrets: tuple[str, ...] = (),
    **headers: str,
) -> Answer:
    return Answer(
        system="engine",
        address=URL,
        status=status,
        headers=headers,
        body=body,
        latency=timedelta(seconds=2),
        received_at=NOW,
        server_time=server_time,
        redactor=Redactor(secrets),
    )


def engine(pool: httpx.AsyncClient, url: str = "http://engine.test", **headers: str) -> HttpService:
    return HttpService(pool, system="engine", base_url=url, policy=HttpPolicy(), headers=headers)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (301, MisconfiguredError),
        (304, MisconfiguredError),
        (400, RejectedError),
        (401, MisconfiguredError),
        (403, MisconfiguredError),
        (404, RejectedError),
        (405, RejectedError),
        (408, TransientError),
        (418, RateLimitedError),
        (422, RejectedError),
        (429, RateLimitedError),
        (499, RejectedError),
        (500, TransientError),
        (503, TransientError),
        (599, TransientError),
    ],
)
def test_each_status_says_what_the_operator_must_do(status: int, expected: type[TradeOpsError]) -> None:
    with pytest.raises(expected, match=f"^engine: {URL} answered HTTP {status}") as caught:
        answer(status).raise_for_status()
    assert type(caught.value) is expected
    if isinstance(caught.value, RejectedError):
        assert caught.value.http_status == status


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_a_success_is_none(status: int) -> None:
    answer(status).raise_for_status()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", timedelta(0)),
        ("17", timedelta(seconds=17)),
        ("9" * 5000, timedelta(seconds=999_999_999)),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("1.5", None),
        ("²", None),
        ("٣", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", timedelta(0)),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_or_unknown(value: str, expected: timedelta | None) -> None:
    with pytest.raises(RateLimitedError) as caught:
        answer(429, **{"retry-after": value}).raise_for_status()
    assert caught.value.retry_after == expected


def test_a_retry_after_date_ahead_is_the_time_until_then() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    with pytest.raises(RateLimitedError) as caught:
        answer(429, **{"retry-after": date}).raise_for_status()
    assert caught.value.retry_after is not None
    assert timedelta(minutes=9, seconds=50) < caught.value.retry_after <= timedelta(minutes=10)


@given(st.text())
def test_no_retry_after_can_do_worse_than_be_unknown(value: str) -> None:
    with pytest.raises(RateLimitedError):
        answer(429, **{"retry-after": value}).raise_for_status()


@given(st.binary())
def test_a_body_is_parsed_or_breaks_the_contract(body: bytes) -> None:
    try:
        expected = json.loads(body)
    except ValueError:
        with pytest.raises(ContractError, match="answered HTTP 200 with"):
            answer(body=body).json()
    else:
        assert repr(answer(body=body).json()) == repr(expected)


@given(st.binary())
def test_an_excerpt_is_one_short_printable_line(body: bytes) -> None:
    excerpt = answer(body=body).excerpt()
    assert excerpt.isprintable()
    assert len(excerpt) <= 2 * 124


def test_an_excerpt_is_cut_where_it_gets_long() -> None:
    assert answer(body=b"x" * 121).excerpt() == repr("x" * 120 + "…")
    assert answer(body=b"x" * 120).excerpt() == repr("x" * 120)


def test_our_own_secret_is_not_quoted_back() -> None:
    body = f"invalid token {SECRET}".encode()
    with pytest.raises(MisconfiguredError, match=r"'invalid token \*\*\*'"):
        answer(401, body, secrets=(SECRET,)).raise_for_status()
    assert SECRET not in repr(answer(200, body, secrets=(SECRET,)))


def test_the_skew_is_measured_from_the_middle_of_the_exchange() -> None:
    reading = answer(server_time=datetime(2026, 11, 24, 12, 0, 49, tzinfo=UTC)).reading(1)
    assert reading.clock_skew == timedelta(seconds=40)
    assert reading.as_of == datetime(2026, 11, 24, 12, 0, 49, tzinfo=UTC)
    assert reading.latency == timedelta(seconds=2)


def test_a_better_clock_wins_over_the_date_header() -> None:
    reading = answer(server_time=NOW).reading(1, as_of=NOW - timedelta(hours=1))
    assert reading.clock_skew == timedelta(hours=-1) + timedelta(seconds=1)


def test_without_a_clock_there_is_no_skew() -> None:
    reading = answer().reading(1)
    assert (reading.as_of, reading.clock_skew) == (None, None)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Tue, 24 Nov 2026 12:00:10 GMT", NOW),
        ("Tue, 24 Nov 2026 13:00:10 +0100", NOW),
        ("Tue, 24 Nov 2026 12:00:10 -0000", NOW),
        ("yesterday", None),
        ("Fri, 31 Dec 9999 23:00:00 -2300", None),
    ],
)
async def test_the_clock_of_the_other_side_is_read_from_its_date(
    date: str, expected: datetime | None, pool: httpx.AsyncClient, respx_mock: respx.MockRouter
) -> None:
    respx_mock.get("http://engine.test/").respond(headers={"date": date})
    assert (await engine(pool).request("GET", "/")).server_time == expected


async def test_a_request_carries_the_headers_of_the_service_and_its_own(
    pool: httpx.AsyncClient, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.post("http://engine.test/base/x?limit=3").respond(json={"a": 1})
    service = engine(pool, "http://engine.test/base/", Authorization=f"Bearer {SECRET}")
    got = await service.request("POST", "/x", params={"limit": 3}, body={"b": 2}, headers={"x-own": "1"})
    sent = route.calls.last.request
    assert sent.headers["authorization"] == f"Bearer {SECRET}"
    assert (sent.headers["x-own"], sent.headers["content-type"]) == ("1", "application/json")
    assert json.loads(sent.content) == {"b": 2}
    assert got.json() == {"a": 1}
    assert got.address == "http://engine.test/base/x", "without the query"


async def test_get_json_is_the_body_of_a_success(pool: httpx.AsyncClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.get("http://engine.test/x").respond(json=[1])
    assert await engine(pool).get_json("/x") == [1]


async def test_get_json_raises_on_anything_else(pool: httpx.AsyncClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.get("http://engine.test/x").respond(503)
    with pytest.raises(TransientError, match="HTTP 503"):
        await engine(pool).get_json("/x", within=timedelta(seconds=1))


async def test_a_user_and_password_in_an_address_are_used_and_never_shown(
    pool: httpx.AsyncClient, respx_mock: respx.MockRouter
) -> None:
    service = engine(pool, f"http://guest:{SECRET}%40@engine.test")
    route = respx_mock.get("http://engine.test/x").respond(500, text="Basic Z3Vlc3Q6cGxhbnRlZC1zZWNyZXRA of guest")
    got = await service.request("GET", "/x")
    assert route.calls.last.request.headers["authorization"] == httpx.BasicAuth("guest", SECRET + "@")._auth_header
    assert service.base_url == "http://engine.test"
    assert got.address == "http://engine.test/x"
    assert got.excerpt() == "'Basic *** of guest'"


@pytest.mark.parametrize("token", ["line\nbreak", "typographic”quote", "null\0"], ids=repr)
async def test_a_key_that_cannot_be_sent_is_a_matter_of_settings_and_not_shown(
    token: str, pool: httpx.AsyncClient
) -> None:
    with pytest.raises(MisconfiguredError, match="authorization header has characters that cannot be sent") as caught:
        engine(pool, authorization=f"Bearer {token}")
    assert token not in str(caught.value)


@pytest.mark.parametrize("url", ["http://engine.test:port", "ftp://engine.test", "engine.test", "http://"])
async def test_an_address_that_is_none_is_a_matter_of_settings(url: str, pool: httpx.AsyncClient) -> None:
    with pytest.raises(MisconfiguredError, match="is no valid address"):
        await engine(pool, url).request("GET", "/")


async def test_a_redirect_is_not_followed(pool: httpx.AsyncClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.get("http://engine.test/").respond(307, headers={"location": "http://other.test/"})
    assert (await engine(pool).request("GET", "/")).status == 307
    assert len(respx_mock.calls) == 1


@pytest.mark.parametrize(
    "path", ["@evil.test/", ".evil.test", "http://evil.test/", "/a/../b", "/a/%2e%2e/b", "/api/..", "/%2E%2E/x?y=1"]
)
async def test_a_name_from_outside_cannot_lead_to_another_host_or_route(
    path: str, pool: httpx.AsyncClient, respx_mock: respx.MockRouter
) -> None:
    with pytest.raises(RejectedError, match="path that leads elsewhere"):
        await engine(pool).request("POST", path)
    assert not respx_mock.calls


async def test_dots_that_are_no_step_are_asked_for(pool: httpx.AsyncClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.get("http://engine.test/v1..2/a").respond(200)
    assert (await engine(pool).request("GET", "/v1..2/a", params={"next": "../x"})).status == 200


def test_an_error_that_caused_itself_is_told_all_the_same() -> None:
    first, second = httpx.ConnectError("first"), ConnectionRefusedError(111, "refused")
    first.__cause__, second.__context__ = second, first
    assert str(typed_error(first, system="engine", address=URL)) == f"engine: {URL} refused the connection; start it"
    group = ExceptionGroup("group", [second])
    second.__cause__ = group
    assert "refused the connection" in str(typed_error(first, system="engine", address=URL))


def test_a_fault_that_nobody_thought_of_is_at_least_unavailable() -> None:
    error = typed_error(httpx.WriteTimeout("slow"), system="engine", address=URL)
    assert type(error) is UnavailableError
    assert str(error) == f"engine: {URL} cannot be reached: WriteTimeout"


def test_the_cause_is_found_within_a_group_of_failed_connections() -> None:
    refused = ConnectionRefusedError(111, "refused")
    group = OSError("all connection attempts failed")
    group.__cause__ = ExceptionGroup("several", [OSError(101, "unreachable"), refused])
    error = httpx.ConnectError("failed")
    error.__cause__ = group
    assert "refused the connection" in str(typed_error(error, system="engine", address=URL))


async def test_a_secret_path_shows_neither_in_errors_nor_in_the_log_and_a_plain_one_does(
    pool: httpx.AsyncClient, respx_mock: respx.MockRouter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    caplog.set_level("DEBUG", logger="httpx")  # commands that run for long quieten it
    respx_mock.post(f"http://engine.test/hooks/{SECRET}").respond(404, text=f"no {SECRET} here")
    respx_mock.post("http://engine.test/plain").respond(204)
    hooks = HttpService(
        pool, system="slack", base_url="http://engine.test", policy=HttpPolicy(), secrets=(f"hooks/{SECRET}", SECRET)
    )
    with pytest.raises(RejectedError) as caught:
        (await hooks.request("POST", f"/hooks/{SECRET}", body={})).raise_for_status()
    assert "http://engine.test/*** answered HTTP 404: 'no *** here'" in str(caught.value)
    await engine(pool).request("POST", "/plain", body={})
    assert SECRET not in caplog.text
    assert "http://engine.test/plain" in caplog.text


async def test_a_body_of_bytes_is_sent_as_it_is(pool: httpx.AsyncClient, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.post("http://engine.test/signed").respond(204)
    await engine(pool).request("POST", "/signed", body=b'{"a":  1}')
    assert route.calls.last.request.content == b'{"a":  1}'
    assert route.calls.last.request.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(httpx.ConnectError("refused"), True, id="no connection"),
        pytest.param(httpx.ConnectTimeout("slow"), True, id="no connection in time"),
        pytest.param(httpx.ReadTimeout("slow"), False, id="no answer in time"),
        pytest.param(httpx.ReadError("reset"), False, id="reset"),
    ],
)
async def test_it_is_known_whether_a_request_surely_never_left(
    pool: httpx.AsyncClient, respx_mock: respx.MockRouter, error: httpx.HTTPError, expected: bool
) -> None:
    respx_mock.post("http://engine.test/").mock(side_effect=error)
    with pytest.raises(UnavailableError) as caught:
        await engine(pool).request("POST", "/", body={})
    assert never_sent(caught.value) is expected
