"""How the engine is made to take no new positions: the route of the strategy where there is one, else its symbols.

An answer proves nothing: whoever pulls a lever reads the symbols again. The engine's other levers are traps and are
not here: a flag of the settings that nothing reads, and a stop that also ends stop-loss supervision; that one is asked
for by name, by an operator who knows it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from tradeops.adapters.engine import verbatim
from tradeops.adapters.engine.envelope import unwrap
from tradeops.adapters.wire import as_object
from tradeops.errors import ContractError, RejectedError
from tradeops.http import HttpService

SYMBOLS = "/api/paper-trading/symbols"
STRATEGIES = "/api/strategies"
STOP = "/api/paper-trading/stop"
EMERGENCY = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Switch:
    """One symbol's settings, of which we know one field and keep all.

    Attributes:
        symbol: its name.
        enabled: whether it takes new positions.
        entry: all fields as the engine wrote them.
    """

    symbol: str
    enabled: bool
    entry: Mapping[str, Any]

    def turned(self, *, on: bool) -> "Switch":
        """The same settings, on or off."""
        return replace(self, enabled=on, entry={**self.entry, "enabled": on})


class EngineLevers:
    """The engine's levers; each of them has 2 s in all.

    Every call raises, besides what it names itself: UnavailableError, TransientError, RateLimitedError,
    MisconfiguredError, RejectedError and ContractError, as reads of the engine do.

    Args:
        service: its address, token and bounds.
    """

    def __init__(self, service: HttpService) -> None:
        self._service = service

    async def disable_strategy(self, name: str, reason: str, *, within: timedelta = EMERGENCY) -> None:
        """Ask for a strategy to be switched off; it said yes, and no more than that is known.

        Raises:
            RejectedError: 404, 405: there is no such route, or no such strategy.
        """
        path, body = f"{STRATEGIES}/{quote(name, safe='')}/disable", {"reason": reason, "emergency": True}
        answer = await self._service.request("POST", path, body=body, within=within)
        answer.raise_for_status()
        if answer.body.strip().startswith(b"{") and answer.json().get("success") is False:
            raise RejectedError(answer.system, f"{answer.address} refused: {answer.excerpt()}")

    async def switches(self, *, within: timedelta = EMERGENCY) -> dict[str, Switch]:
        """Each symbol and whether it takes new positions.

        Raises:
            ContractError: an entry is no object, or does not say whether it is on.
        """
        answer = await self._service.request("GET", SYMBOLS, within=within)
        unwrap(answer)
        whole = verbatim.loads(answer.body)
        data = whole["data"] if "success" in whole or "data" in whole else whole
        switches = {}
        for symbol, raw in as_object(data, system=answer.system, source=answer.address).items():
            entry = as_object(raw, system=answer.system, source=f"{answer.address} ({symbol})")
            if not isinstance(entry.get("enabled"), bool):
                problem = f"{answer.address} ({symbol}) does not say whether it is enabled"
                raise ContractError(answer.system, problem)
            switches[symbol] = Switch(symbol, entry["enabled"], entry)
        return switches

    async def put_switches(self, switches: Iterable[Switch], *, within: timedelta = EMERGENCY) -> None:
        """Replace the settings of these symbols, and of no others; a call without any asks nothing."""
        entries = {switch.symbol: dict(switch.entry) for switch in switches}
        if entries:
            body = verbatim.dumps({"symbols": entries}).encode()
            unwrap(await self._service.request("PUT", SYMBOLS, body=body, within=within))

    async def stop_engine(self) -> None:
        """Stop paper trading: also ends the supervision of stop-loss and take-profit of what is open."""
        unwrap(await self._service.request("POST", STOP, within=EMERGENCY))
