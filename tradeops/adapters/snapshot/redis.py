"""One text under one key of the bot's Redis; never waits longer than told."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import SecretStr
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from tradeops.adapters.driver_tls import redis_options
from tradeops.adapters.snapshot import KEY
from tradeops.errors import MisconfiguredError, RejectedError, UnavailableError
from tradeops.tls import NO_TLS_OF_OURS, Tls
from tradeops.tls_faults import tls_fault

SYSTEM = "redis"


class RedisSnapshot:
    """The text under `tradeops:performance:latest`.

    Both methods raise UnavailableError (refused, reset, too late, or not able to write), MisconfiguredError (our login
    is refused, or its certificate is not trusted) and RejectedError (the user lacks the right).

    Args:
        url: with the password.
        within: the longest that one call may take.
        tls: what certificates to go by.
    """

    def __init__(self, url: SecretStr, *, within: timedelta = timedelta(seconds=2), tls: Tls = NO_TLS_OF_OURS) -> None:
        self._url = url
        self._within = within
        self._tls_options = redis_options(url.get_secret_value(), tls)

    async def read(self) -> str | None:
        """The text, or `None`."""
        async with self._connection() as redis:
            raw = await redis.get(KEY)
        return raw.decode(errors="replace") if isinstance(raw, bytes) else raw

    async def write(self, text: str) -> None:
        """Put `text` in the place of what was there."""
        async with self._connection() as redis:
            await redis.set(KEY, text)

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Redis]:
        parts = urlsplit(self._url.get_secret_value())
        address = parts.netloc.rpartition("@")[2] or parts.path
        seconds = self._within.total_seconds()
        try:
            async with (
                asyncio.timeout(seconds),
                Redis.from_url(
                    self._url.get_secret_value(),
                    socket_connect_timeout=seconds,
                    socket_timeout=seconds,
                    retry=Retry(NoBackoff(), 0),
                    **self._tls_options,
                ) as redis,
            ):
                yield redis
        except AuthenticationError as error:
            remedy = "check the password in REDIS_URL"
            raise MisconfiguredError(SYSTEM, f"{address} refuses our login", remedy=remedy) from error
        except NoPermissionError as error:
            problem = f"{address} does not allow its user to read or write {KEY}"
            raise RejectedError(SYSTEM, problem, remedy=f"grant ~{KEY} +get +set") from error
        except TimeoutError as error:
            problem = f"{address} did not answer within {seconds:.2g} s"
            raise UnavailableError(SYSTEM, problem, remedy="start it or check REDIS_URL") from error
        except (OSError, RedisError) as error:
            if fault := tls_fault(error, address=address, setting="REDIS_URL"):
                raise MisconfiguredError(SYSTEM, fault.problem, remedy=fault.remedy) from error
            problem = f"{address} refused or broke off ({type(error).__name__})"
            raise UnavailableError(SYSTEM, problem, remedy="start it or check REDIS_URL") from error
