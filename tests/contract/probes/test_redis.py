"""The Redis probe against a real Redis, and against what may sit on its port instead."""

import asyncio
import time
from datetime import timedelta

import pytest
from pydantic import SecretStr
from redis import Redis

from tests.contract.probes.conftest import PASSWORD
from tradeops.adapters.probes.redis import ping_and_info
from tradeops.errors import MisconfiguredError, RejectedError, TradeOpsError, TransientError, UnavailableError

WITHIN = timedelta(seconds=10)  # of a busy machine
BRIEFLY = timedelta(seconds=0.3)


def url(address: str, login: str = f":{PASSWORD}") -> SecretStr:
    return SecretStr(f"redis://{login}@{address}/0")


async def test_a_redis_that_answers_ping_and_info_is_well(redis_address: str) -> None:
    await ping_and_info(url(redis_address), within=WITHIN)


@pytest.mark.parametrize("login", [":open-" + PASSWORD, "nobody:open-" + PASSWORD, ""], ids=["wrong", "user", "none"])
async def test_a_refused_password_is_told_without_showing_it(redis_address: str, login: str) -> None:
    with pytest.raises(MisconfiguredError, match="refuses our login; check the password in REDIS_URL") as caught:
        await ping_and_info(url(redis_address, login), within=WITHIN)
    assert PASSWORD not in str(caught.value)


async def test_a_user_without_the_right_to_info_is_told_which_right(redis_address: str) -> None:
    with Redis.from_url(url(redis_address).get_secret_value()) as admin:
        admin.acl_setuser("blind", enabled=True, passwords=["+" + PASSWORD], commands=["+ping"])
    with pytest.raises(RejectedError, match=r"does not allow its user PING or INFO; grant \+ping and \+info"):
        await ping_and_info(url(redis_address, f"blind:{PASSWORD}"), within=WITHIN)


async def test_a_redis_that_could_not_save_is_unwell(redis_address: str) -> None:
    with Redis.from_url(url(redis_address).get_secret_value()) as admin:
        folder = admin.config_get("dir")["dir"]
        admin.set("key", "value")
        admin.config_set("dir", "/proc")
        admin.bgsave()
        try:
            for _ in range(1500):
                if admin.info("persistence")["rdb_last_bgsave_status"] != "ok":
                    break
                await asyncio.sleep(0.02)
            with pytest.raises(TransientError, match="cannot save: rdb_last_bgsave_status failed"):
                await ping_and_info(url(redis_address), within=WITHIN)
        finally:
            admin.config_set("dir", folder)
            admin.save()


async def test_a_redis_that_still_loads_is_up_and_unwell() -> None:
    async def load(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            writer.write(b"-LOADING Redis is loading the dataset in memory\r\n")
        writer.close()

    async with await asyncio.start_server(load, "127.0.0.1", 0) as server:
        address = "{}:{}".format(*server.sockets[0].getsockname())
        with pytest.raises(TransientError, match="is still loading its data"):
            await ping_and_info(SecretStr(f"redis://{address}?protocol=2"), within=WITHIN)


async def test_a_stopped_redis_refuses(refusing_address: str) -> None:
    with pytest.raises(UnavailableError, match=f"{refusing_address} refused the connection") as caught:
        await ping_and_info(url(refusing_address), within=WITHIN)
    assert PASSWORD not in str(caught.value)


async def test_a_redis_that_hangs_is_given_up_in_time(hanging_address: str) -> None:
    started = time.monotonic()
    with pytest.raises(UnavailableError, match=r"did not answer within 0\.3 s"):
        await ping_and_info(url(hanging_address), within=BRIEFLY)
    assert time.monotonic() - started < 10


async def test_something_else_on_the_port_is_no_redis(nonsense_address: str) -> None:
    with pytest.raises(UnavailableError, match="answered with something unknown"):
        await ping_and_info(url(nonsense_address), within=WITHIN)


async def test_an_unknown_host_is_told() -> None:
    with pytest.raises(UnavailableError, match=r"redis\.invalid:6379 is a host that is not known"):
        await ping_and_info(SecretStr("redis://redis.invalid:6379"), within=WITHIN)


async def test_a_socket_file_that_is_not_there_is_told_by_its_path() -> None:
    with pytest.raises(TradeOpsError, match=r"/nowhere/redis\.sock"):
        await ping_and_info(SecretStr("unix:///nowhere/redis.sock"), within=WITHIN)
