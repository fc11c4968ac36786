"""The snapshot in a real Redis, and what may sit on its port instead."""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from pydantic import SecretStr
from redis import Redis

from tests.contract.probes.conftest import PASSWORD
from tradeops.adapters.snapshot import KEY
from tradeops.adapters.snapshot.redis import RedisSnapshot
from tradeops.errors import MisconfiguredError, RejectedError, TradeOpsError, UnavailableError

WITHIN = timedelta(seconds=10)  # of a busy machine
Call = Callable[[RedisSnapshot], Awaitable[object]]
each_call = pytest.mark.parametrize(
    "call", [lambda snapshot: snapshot.read(), lambda snapshot: snapshot.write("text")], ids=["read", "write"]
)


def url(address: str, login: str = f":{PASSWORD}") -> SecretStr:
    return SecretStr(f"redis://{login}@{address}/0")


@pytest.fixture
def admin(redis_address: str) -> Redis:
    """A client of the server, which begins empty."""
    client = Redis.from_url(url(redis_address).get_secret_value())
    client.flushall()
    return client


async def test_what_was_written_last_is_read(redis_address: str, admin: Redis) -> None:
    snapshot = RedisSnapshot(url(redis_address))
    assert await snapshot.read() is None
    await snapshot.write('{"one": 1}')
    await snapshot.write('{"two": "− %"}')
    assert await snapshot.read() == '{"two": "− %"}'
    assert admin.keys() == [KEY.encode()]


async def test_an_address_that_asks_for_decoded_texts_works_too(redis_address: str, admin: Redis) -> None:
    admin.set(KEY, "text")
    address = SecretStr(url(redis_address).get_secret_value() + "?decode_responses=True")
    assert await RedisSnapshot(address).read() == "text"


async def test_bytes_that_are_no_text_are_read_without_an_error(redis_address: str, admin: Redis) -> None:
    admin.set(KEY, b"\xff")
    assert await RedisSnapshot(url(redis_address)).read() == "\ufffd"


@each_call
@pytest.mark.parametrize("login", [":open-" + PASSWORD, "nobody:open-" + PASSWORD, ""], ids=["wrong", "user", "none"])
async def test_a_refused_password_is_told_without_showing_it(redis_address: str, login: str, call: Call) -> None:
    with pytest.raises(MisconfiguredError, match="refuses our login; check the password in REDIS_URL") as caught:
        await call(RedisSnapshot(url(redis_address, login), within=WITHIN))
    assert PASSWORD not in str(caught.value)


@each_call
async def test_a_user_without_the_right_is_told_which_right(redis_address: str, admin: Redis, call: Call) -> None:
    admin.acl_setuser("blind", enabled=True, passwords=["+" + PASSWORD], commands=["+ping"])
    with pytest.raises(RejectedError, match=r"read or write tradeops:performance:latest; grant ~\S+ \+get \+set"):
        await call(RedisSnapshot(url(redis_address, f"blind:{PASSWORD}"), within=WITHIN))


async def test_a_full_redis_is_told(redis_address: str, admin: Redis) -> None:
    admin.config_set("maxmemory", "1")
    try:
        with pytest.raises(UnavailableError, match=r"refused or broke off \(OutOfMemoryError\)"):
            await RedisSnapshot(url(redis_address), within=WITHIN).write("text")
    finally:
        admin.config_set("maxmemory", "0")


async def test_a_key_of_another_type_is_told_when_read_and_replaced_when_written(
    redis_address: str, admin: Redis
) -> None:
    admin.rpush(KEY, "a")
    snapshot = RedisSnapshot(url(redis_address), within=WITHIN)
    with pytest.raises(UnavailableError, match=r"\(ResponseError\)"):
        await snapshot.read()
    await snapshot.write("text")
    assert await snapshot.read() == "text"


@each_call
async def test_a_stopped_redis_is_told_by_its_address(refusing_address: str, call: Call) -> None:
    with pytest.raises(UnavailableError, match=f"{refusing_address} refused or broke off") as caught:
        await call(RedisSnapshot(url(refusing_address), within=WITHIN))
    assert PASSWORD not in str(caught.value)


@each_call
async def test_a_redis_that_hangs_is_given_up_in_time(hanging_address: str, call: Call) -> None:
    started = time.monotonic()
    with pytest.raises(UnavailableError, match=r"did not answer within 0\.3 s"):
        await call(RedisSnapshot(url(hanging_address), within=timedelta(seconds=0.3)))
    assert time.monotonic() - started < 10


@each_call
async def test_something_else_on_the_port_is_no_redis(nonsense_address: str, call: Call) -> None:
    with pytest.raises(TradeOpsError, match=nonsense_address):
        await call(RedisSnapshot(url(nonsense_address), within=WITHIN))


async def test_a_socket_file_that_is_not_there_is_told_by_its_path() -> None:
    with pytest.raises(UnavailableError, match=r"/nowhere/redis\.sock"):
        await RedisSnapshot(SecretStr("unix:///nowhere/redis.sock"), within=WITHIN).read()
