"""Whether MongoDB answers a ping and a query. Reads only."""

import asyncio
from datetime import timedelta
from urllib.parse import urlsplit

import pymongo
from pydantic import SecretStr
from pymongo import AsyncMongoClient
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

from tradeops.adapters.driver_tls import mongodb_options
from tradeops.adapters.probes.failure import unreachable
from tradeops.errors import MisconfiguredError, TradeOpsError, UnavailableError
from tradeops.tls import NO_TLS_OF_OURS, Tls

SYSTEM = "mongodb"
DATABASE = "tradeops"
COLLECTION = "health_checks"
REFUSED = {18: "login", 13: "query"}  # AuthenticationFailed, Unauthorized


async def ping_and_query(url: SecretStr, *, within: timedelta, tls: Tls = NO_TLS_OF_OURS) -> None:
    """Return when both were answered; the query reads one document of the address's database, else of ours.

    Raises:
        UnavailableError: no server, no answer in time, or a query that fails.
        MisconfiguredError: the address is wrong, or the login or the read is refused.
    """
    address = urlsplit(url.get_secret_value()).netloc.rpartition("@")[2]
    try:
        client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(
            url.get_secret_value(), appname="tradeops-probe", **mongodb_options(url.get_secret_value(), tls)
        )
    except PyMongoError as error:
        raise _typed(error, address, within) from error
    # the driver's own deadline, so that closing after ours has passed does not wait for the server either
    with pymongo.timeout(within.total_seconds()):
        try:
            async with asyncio.timeout(within.total_seconds()):
                await client.admin.command("ping")
                await client.get_default_database(DATABASE)[COLLECTION].find_one({}, {"_id": 1})
        except TimeoutError as error:
            seen = (server.error for server in client.topology_description.server_descriptions().values())
            raise _typed(next(filter(None, seen), error), address, within) from error
        except PyMongoError as error:
            raise _typed(error, address, within) from error
        finally:
            await client.close()


def _typed(error: Exception, address: str, within: timedelta) -> TradeOpsError:
    match error:
        case OperationFailure(code=code) if code in REFUSED:
            remedy = "check user, password and rights in MONGODB_URL"
            return MisconfiguredError(SYSTEM, f"{address} refuses our {REFUSED[code]}", remedy=remedy)
        case OperationFailure():
            name = (error.details or {}).get("codeName", f"error {error.code}")
            return UnavailableError(SYSTEM, f"{address} is there, but a query fails: {name}")
        case ConfigurationError():
            return MisconfiguredError(SYSTEM, f"{address} cannot be used as it is written", remedy="check MONGODB_URL")
    return unreachable(error, system=SYSTEM, address=address, within=within, setting="MONGODB_URL")
