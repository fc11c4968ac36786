"""The rights that docs/security-setup.md tells operators to grant: enough for all that we do there, and for no more."""

import re
from pathlib import Path

import aiormq
import httpx
import pytest
from aiormq.exceptions import ChannelAccessRefused
from pydantic import SecretStr
from redis import Redis
from redis.exceptions import NoPermissionError

from tests.contract.probes.conftest import PASSWORD, Broker
from tests.contract.probes.test_redis import WITHIN
from tradeops.adapters.probes.rabbitmq import check_alarms, login
from tradeops.adapters.probes.redis import ping_and_info
from tradeops.adapters.snapshot.redis import KEY, RedisSnapshot

DOCUMENT = (Path(__file__).parents[3] / "docs" / "security-setup.md").read_text()


def documented(beginning: str) -> list[str]:
    """The words of the one line of the document that begins so."""
    [line] = re.findall(rf"^{re.escape(beginning)} .*$", DOCUMENT, re.MULTILINE)
    return str(line).split()


async def test_the_documented_user_of_redis_suffices_and_may_do_nothing_else(redis_address: str) -> None:
    with Redis.from_url(f"redis://:{PASSWORD}@{redis_address}") as admin:
        admin.execute_command(*[word.replace("PASSWORD", PASSWORD) for word in documented("ACL SETUSER")])
    url = SecretStr(f"redis://tradeops:{PASSWORD}@{redis_address}/0")
    await ping_and_info(url, within=WITHIN)
    await RedisSnapshot(url, within=WITHIN).write("text")
    assert await RedisSnapshot(url, within=WITHIN).read() == "text"
    with Redis.from_url(url.get_secret_value()) as desk:
        for command in (("GET", "bot:positions"), ("SET", "bot:positions", "0"), ("DEL", KEY), ("CONFIG", "GET", "*")):
            with pytest.raises(NoPermissionError):
                desk.execute_command(*command)


async def test_the_documented_user_of_rabbitmq_suffices_and_may_touch_no_queue(broker: Broker) -> None:
    rights = [word.strip("'") for word in documented("rabbitmqctl set_permissions tradeops")[3:]]
    [tag] = documented("rabbitmqctl set_user_tags tradeops")[3:]
    assert rights == ["^$", "^$", "^$"]
    permissions = dict(zip(("configure", "write", "read"), rights, strict=True))
    async with httpx.AsyncClient(base_url=f"http://{broker.management}", auth=("guest", "guest")) as admin:
        # as rabbitmqctl does, which takes seconds to start
        (await admin.put("/api/users/tradeops", json={"password": PASSWORD, "tags": tag})).raise_for_status()
        (await admin.put("/api/permissions/%2F/tradeops", json=permissions)).raise_for_status()
        try:
            await login(SecretStr(f"amqp://tradeops:{PASSWORD}@{broker.address}/"), within=WITHIN)
            await check_alarms(SecretStr(f"http://tradeops:{PASSWORD}@{broker.management}"), within=WITHIN)
            with pytest.raises(ChannelAccessRefused):
                await declare(f"amqp://tradeops:{PASSWORD}@{broker.address}/")
        finally:
            await admin.delete("/api/users/tradeops")


async def declare(url: str) -> None:
    connection = await aiormq.connect(url)
    try:
        channel = await connection.channel()
        await channel.queue_declare("bot-orders")
    finally:
        await connection.close()
