"""The RabbitMQ probe against a real broker, and against what may sit on its port instead."""

import asyncio
import time
from datetime import timedelta

import pytest
from pydantic import SecretStr

from tests.contract.probes.conftest import PASSWORD, Broker
from tradeops.adapters.probes.rabbitmq import check_alarms, login
from tradeops.errors import MisconfiguredError, RejectedError, UnavailableError

WITHIN = timedelta(seconds=10)  # of a busy machine
BRIEFLY = timedelta(seconds=0.3)


def amqp(address: str, *, password: str, path: str = "/") -> SecretStr:
    return SecretStr(f"amqp://guest:{password}@{address}{path}")


async def test_a_broker_that_lets_us_in_is_well(broker: Broker) -> None:
    await login(amqp(broker.address, password="guest"), within=WITHIN)


async def test_a_refused_password_is_told_without_showing_it(broker: Broker) -> None:
    with pytest.raises(MisconfiguredError, match="refuses our login; check user, password") as caught:
        await login(amqp(broker.address, password=PASSWORD), within=WITHIN)
    assert PASSWORD not in str(caught.value)


async def test_a_virtual_host_that_is_not_there_is_told(broker: Broker) -> None:
    with pytest.raises(MisconfiguredError, match="accepts our login, but not its virtual host"):
        await login(amqp(broker.address, password="guest", path="/elsewhere"), within=WITHIN)


async def test_an_alarm_is_told_by_what_ran_short(broker: Broker) -> None:
    management = SecretStr(f"http://guest:guest@{broker.management}")
    await check_alarms(management, within=WITHIN)
    broker.run("set_vm_memory_high_watermark", "absolute", "1MB")
    try:
        with pytest.raises(RejectedError, match="an alarm blocks all publishers: memory on probes"):
            await until_alarmed(management)
    finally:
        broker.run("set_vm_memory_high_watermark", "0.8")


async def until_alarmed(management: SecretStr) -> None:
    ends_at = time.monotonic() + 60
    while time.monotonic() < ends_at:
        await check_alarms(management, within=WITHIN)
        await asyncio.sleep(0.1)


async def test_management_that_refuses_the_password_is_told_without_showing_it(broker: Broker) -> None:
    with pytest.raises(MisconfiguredError, match="HTTP 401") as caught:
        await check_alarms(SecretStr(f"http://guest:{PASSWORD}@{broker.management}"), within=WITHIN)
    assert PASSWORD not in str(caught.value)


async def test_a_stopped_broker_refuses(refusing_address: str) -> None:
    with pytest.raises(UnavailableError, match=f"{refusing_address} refused the connection") as caught:
        await login(amqp(refusing_address, password=PASSWORD), within=WITHIN)
    assert PASSWORD not in str(caught.value)


async def test_a_broker_that_hangs_is_given_up_in_time(hanging_address: str) -> None:
    started = time.monotonic()
    with pytest.raises(UnavailableError, match=r"did not answer within 0\.3 s"):
        await login(amqp(hanging_address, password=PASSWORD), within=BRIEFLY)
    assert time.monotonic() - started < 10


async def test_something_else_on_the_port_is_no_broker(nonsense_address: str) -> None:
    with pytest.raises(UnavailableError, match="answered with something unknown"):
        await login(amqp(nonsense_address, password=PASSWORD), within=WITHIN)
