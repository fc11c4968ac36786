"""How the engine behaves when somebody switches it off: as its contract sheet has it, or as badly as one can fear."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.engine_answers import body_of, stamped
from sandbox.faults import BadInputError
from sandbox.settings_desk import RefusedError
from sandbox.trading_settings import SymbolSettings
from sandbox.world import World

ROUTES = ("absent", "works", "lies", "404", "405", "500", "501", "hang")
PUTS = ("works", "lies", "half", "flips_back", "slow", "restart", "error", "hang", "hang_applied")
LONGEST_DELAY_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Mode:
    """How the levers work.

    Attributes:
        disable_route: of `POST /api/strategies/{name}/disable`: `absent` as in the sheet's release; `works` switches
            all symbols off; `lies` says yes and does nothing; a number is the status that it answers with.
        put: of `PUT /api/paper-trading/symbols`: `lies` likewise; `half` obeys for the first half of the symbols;
            `flips_back` obeys, and undoes it after `delay_seconds`; `slow` obeys after `delay_seconds`; `restart` obeys
            and restarts the engine; `hang` never answers, `hang_applied` has obeyed all the same.
        delay_seconds: see there.
        times: so many PUTs misbehave, then they work; `None` has no end.
    """

    disable_route: str = "absent"
    put: str = "works"
    delay_seconds: float = 1.0
    times: int | None = None


def parse(raw: object) -> Mode:
    """The mode that a JSON value asks for; what it leaves out is as in the sheet.

    Raises:
        BadInputError: naming the first field that is wrong.
    """
    if not isinstance(raw, Mapping):
        raise BadInputError("", "a mode is a JSON object")
    known = {attribute.name for attribute in fields(Mode)}
    if unknown := sorted(set(raw) - known):
        raise BadInputError(str(unknown[0]), f"no such field; there are {', '.join(sorted(known))}")
    mode = replace(Mode(), **raw)
    for name, there in (("disable_route", ROUTES), ("put", PUTS)):
        if getattr(mode, name) not in there:
            raise BadInputError(name, f"{getattr(mode, name)!r} is not there; it is one of {', '.join(there)}")
    delay: object = mode.delay_seconds
    times: object = mode.times
    if not isinstance(delay, int | float) or isinstance(delay, bool) or not 0 <= delay <= LONGEST_DELAY_SECONDS:
        raise BadInputError("delay_seconds", f"{delay!r} is no number, 0–{LONGEST_DELAY_SECONDS}")
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise BadInputError("times", f"{times!r} is no whole number, 1 or more")
    return mode


@dataclass(slots=True)
class Levers:
    """The levers of one engine; a restart of it does not mend them.

    Attributes:
        mode: how they work now.
    """

    mode: Mode = field(default_factory=Mode)
    _misbehaved: int = 0
    _due: list[tuple[float, Mapping[str, SymbolSettings]]] = field(default_factory=list)

    def set(self, mode: Mode) -> None:
        """Work like this from now on; what is under way goes on."""
        self.mode, self._misbehaved = mode, 0

    def routes(self, world: World) -> list[BaseRoute]:
        """The route that some deployments have, and the symbols, to be placed before any other of that path."""

        async def disable(request: Request) -> Response:
            return await self._disable(world, request)

        async def symbols(request: Request) -> Response:
            return await self._symbols(world, request)

        return [
            Route("/api/strategies/{name}/disable", disable, methods=["GET", "POST"]),
            Route("/api/paper-trading/symbols", symbols, methods=["GET", "PUT"]),
        ]

    async def _disable(self, world: World, request: Request) -> Response:
        route = self.mode.disable_route
        if route == "absent":
            raise HTTPException(HTTPStatus.NOT_FOUND)
        if request.method == "GET":
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)
        if route == "hang":
            await _until_gone(request)
        if route.isdecimal():
            return PlainTextResponse("", status_code=int(route))
        await body_of(request)
        if route == "works":
            self._put_in_place(world, {s: replace(one, enabled=False) for s, one in world.desk.trading.symbols.items()})
        return stamped({"strategy": request.path_params["name"], "enabled": False}, world.advance())

    async def _symbols(self, world: World, request: Request) -> Response:
        now = world.advance()
        self._catch_up(world)
        if request.method == "GET":
            return stamped(world.desk.symbols(), now)
        body, before = await body_of(request), dict(world.desk.trading.symbols)
        try:
            named = world.desk.put_symbols(body, known=world.market.symbols)
        except RefusedError as error:
            return stamped(None, now, error=str(error), status=HTTPStatus.BAD_REQUEST)
        wanted = {symbol: world.desk.trading.symbols[symbol] for symbol in named}
        put = self._misbehave(world, before, wanted)
        if put in {"hang", "hang_applied"}:
            await _until_gone(request)
        return stamped({"message": "Symbols updated", "updated_symbols": named}, now)

    def _misbehave(self, world: World, before: dict[str, SymbolSettings], wanted: Mapping[str, SymbolSettings]) -> str:
        put = self.mode.put if self.mode.times is None or self._misbehaved < self.mode.times else "works"
        if put == "works":
            return put
        self._misbehaved += 1
        later = time.monotonic() + self.mode.delay_seconds
        if put not in {"flips_back", "restart", "hang_applied"}:
            world.desk.trading.symbols = before
        match put:
            case "half":
                obeyed = list(wanted)[: math.ceil(len(wanted) / 2)]
                self._put_in_place(world, {symbol: wanted[symbol] for symbol in obeyed})
            case "flips_back":
                self._due.append((later, {symbol: before[symbol] for symbol in wanted if symbol in before}))
            case "slow":
                self._due.append((later, wanted))
            case "restart":
                world.restart_engine()
            case "error":
                raise HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR)
        return put

    def _catch_up(self, world: World) -> None:
        now = time.monotonic()
        for _, change in (one for one in self._due if one[0] <= now):
            self._put_in_place(world, change)
        self._due = [one for one in self._due if one[0] > now]

    @staticmethod
    def _put_in_place(world: World, change: Mapping[str, SymbolSettings]) -> None:
        world.desk.trading.symbols = {**world.desk.trading.symbols, **change}


async def _until_gone(request: Request) -> None:
    """Return when the client is gone, and no sooner."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
