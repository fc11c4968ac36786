"""What went wrong beneath HTTP, as an error of our tree: the httpx exception says it in its chain of causes."""

import errno
import re
import socket
import ssl

import httpx

from tradeops.errors import ContractError, MisconfiguredError, TradeOpsError, UnavailableError
from tradeops.tls_faults import causes, tls_fault


def typed_error(  # noqa: PLR0911 - one for each fault
    error: httpx.HTTPError | httpx.InvalidURL | ssl.SSLError, *, system: str, address: str
) -> TradeOpsError:
    """What the operator must do about a request that got no whole answer.

    Args:
        error: as httpx raised it.
        system: its name in errors.
        address: of the request, without query and credentials.
    """
    if fault := tls_fault(error, address=address):
        return MisconfiguredError(system, fault.problem, remedy=fault.remedy)
    for cause in causes(error):
        match cause:
            case httpx.InvalidURL() | httpx.UnsupportedProtocol():
                return MisconfiguredError(system, f"{address} is no valid address: {cause}")
            case httpx.PoolTimeout():
                return UnavailableError(system, f"{address} was not asked: all our connections are in use")
            case httpx.DecodingError():
                return ContractError(system, f"{address} answered with a body that cannot be decoded")
            case httpx.RemoteProtocolError() if not re.search("disconnected|closed", str(cause)):
                remedy = "check the port and what listens there"
                return ContractError(system, f"{address} answered with something that is no HTTP", remedy=remedy)
            case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError() | ConnectionResetError():
                return UnavailableError(system, f"{address} closed the connection without a whole answer")
            case _ if found := _connection_fault(cause, system, address):
                return found
    return UnavailableError(system, f"{address} cannot be reached: {type(error).__name__}")


def _connection_fault(cause: BaseException, system: str, address: str) -> TradeOpsError | None:
    match cause:
        case socket.gaierror():
            remedy = "check the address and the network"
            return UnavailableError(system, f"the host of {address} is not known", remedy=remedy)
        case OSError(errno=errno.ECONNREFUSED):
            return UnavailableError(system, f"{address} refused the connection", remedy="start it")
    return None


def never_sent(error: TradeOpsError) -> bool:
    """Whether it is certain that nothing of the request left: there was no connection.

    Args:
        error: as `HttpService.request` raised it.
    """
    return isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
