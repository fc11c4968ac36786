"""Whether RabbitMQ accepts our login and has no alarm raised: an alarm blocks all publishers."""

import asyncio
import logging
from datetime import timedelta
from urllib.parse import urlsplit

import aiormq
from aiormq.exceptions import AMQPError, AuthenticationError, ConnectionNotAllowed, ProbableAuthenticationError
from pydantic import SecretStr, StrictStr

from tradeops.adapters.driver_tls import amqp_context
from tradeops.adapters.probes.failure import unreachable
from tradeops.adapters.wire import WireModel, parse
from tradeops.errors import MisconfiguredError, RejectedError
from tradeops.http import HttpPolicy, HttpService, open_pool
from tradeops.tls import NO_TLS_OF_OURS, Tls

SYSTEM = "rabbitmq"
ALARMS = "/api/health/checks/alarms"
SERVICE_UNAVAILABLE = 503

logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # it logs each failure that it raises; we tell it once


class _Alarm(WireModel):
    node: StrictStr
    resource: StrictStr


class _FailedCheck(WireModel):
    alarms: list[_Alarm]


async def login(url: SecretStr, *, within: timedelta, tls: Tls = NO_TLS_OF_OURS) -> None:
    """Return when the whole AMQP handshake was done; no channel, queue or message is made.

    Raises:
        UnavailableError: refused, reset, no AMQP, or no answer in time.
        MisconfiguredError: it does not accept our user, password or virtual host.
    """
    address = urlsplit(url.get_secret_value()).netloc.rpartition("@")[2]
    try:
        async with asyncio.timeout(within.total_seconds()):
            connection = await aiormq.connect(url.get_secret_value(), context=amqp_context(url.get_secret_value(), tls))
            await connection.close()
    except (AuthenticationError, ProbableAuthenticationError, ConnectionNotAllowed) as error:
        remedy = "check user, password and virtual host in RABBITMQ_URL"
        raise MisconfiguredError(SYSTEM, f"{address} refuses our login", remedy=remedy) from error
    except (TimeoutError, OSError, AMQPError) as error:
        if "Connection.Close" in str(error):  # the driver's way to say that the login was good and the rest was not
            problem = f"{address} accepts our login, but not its virtual host"
            raise MisconfiguredError(SYSTEM, problem, remedy="check the path of RABBITMQ_URL") from error
        raise unreachable(error, system=SYSTEM, address=address, within=within, setting="RABBITMQ_URL") from error


async def check_alarms(management_url: SecretStr, *, within: timedelta, tls: Tls = NO_TLS_OF_OURS) -> None:
    """Return when the management API says that no alarm is in effect in the cluster.

    Raises:
        RejectedError: an alarm; names the resource (memory, disk) and the node.
        TradeOpsError: as `HttpService.request`, `Answer.raise_for_status` and `Answer.json` say.
    """
    async with open_pool(tls) as pool:
        service = HttpService(pool, system=SYSTEM, base_url=management_url.get_secret_value(), policy=HttpPolicy())
        answer = await service.request("GET", ALARMS, within=within)
    if answer.status == SERVICE_UNAVAILABLE:
        failed = parse(_FailedCheck, answer.json(), system=SYSTEM, source=answer.address)
        what = ", ".join(f"{alarm.resource[:40]} on {alarm.node[:80]}" for alarm in failed.alarms)
        raise RejectedError(SYSTEM, f"an alarm blocks all publishers: {what}", remedy="free what ran short")
    answer.raise_for_status()
