"""Whether Redis answers PING and INFO, and can still save."""

import asyncio
from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import SecretStr
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, BusyLoadingError, NoPermissionError, RedisError

from tradeops.adapters.driver_tls import redis_options
from tradeops.adapters.probes.failure import unreachable
from tradeops.errors import MisconfiguredError, RejectedError, TransientError
from tradeops.tls import NO_TLS_OF_OURS, Tls

SYSTEM = "redis"
SAVES = ("rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status")


async def ping_and_info(url: SecretStr, *, within: timedelta, tls: Tls = NO_TLS_OF_OURS) -> None:
    """Return when both were answered and INFO reports no failed save: then Redis refuses writes by default.

    Raises:
        UnavailableError: refused, reset, or no answer in time.
        MisconfiguredError: it does not accept our password.
        TransientError: it is up, and still loads its data or could not save them.
        RejectedError: it is up and does not allow us INFO.
    """
    parts = urlsplit(url.get_secret_value())
    address = parts.netloc.rpartition("@")[2] or parts.path
    try:
        async with (
            asyncio.timeout(within.total_seconds()),
            Redis.from_url(
                url.get_secret_value(), retry=Retry(NoBackoff(), 0), **redis_options(url.get_secret_value(), tls)
            ) as client,
        ):
            await client.ping()
            info = await client.info("persistence")
    except AuthenticationError as error:
        remedy = "check the password in REDIS_URL"
        raise MisconfiguredError(SYSTEM, f"{address} refuses our login", remedy=remedy) from error
    except BusyLoadingError as error:
        raise TransientError(SYSTEM, f"{address} is still loading its data") from error
    except NoPermissionError as error:
        problem = f"{address} does not allow its user PING or INFO"
        raise RejectedError(SYSTEM, problem, remedy="grant +ping and +info") from error
    except (TimeoutError, OSError, RedisError) as error:
        raise unreachable(error, system=SYSTEM, address=address, within=within, setting="REDIS_URL") from error
    failed = [name for name in SAVES if info.get(name, "ok") != "ok"]
    if failed:
        raise TransientError(SYSTEM, f"{address} cannot save: {failed[0]} failed", remedy="check its disk and its log")
