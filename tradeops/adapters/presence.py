"""Whether a route exists, found out without any effect on the other side."""

from tradeops.errors import ContractError
from tradeops.http import HttpService


async def route_exists(service: HttpService, verb: str, path: str) -> bool:
    """Ask by a GET, whatever the verb of the route; `True` means "probably": the first real call decides.

    Args:
        service: whose route.
        verb: of the route.
        path: with example values in it.

    Raises:
        ContractError: the answer says neither yes nor no.
        TradeOpsError: as `HttpService.request` and `Answer.raise_for_status` say.
    """
    answer = await service.request("GET", path)
    match answer.status:
        case 404 | 501:
            return False
        case 405:
            return verb != "GET"
    answer.raise_for_status()
    if verb != "GET":
        raise ContractError(service.system, f"{answer.address} answered HTTP {answer.status} to a GET, not 404 or 405")
    answer.json()
    return True
