"""The engine's settings routes: what a body leaves out becomes null here, stays as it is there, or is ignored."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from sandbox.engine_answers import body_of, stamped
from sandbox.engine_paper import PREFIX
from sandbox.settings_desk import STRATEGIES, RefusedError
from sandbox.world import World

Handler = Callable[[Request], Awaitable[object]]


class SettingsRoutes:
    """`/api/paper-trading/…settings` and `/signal-interval`; the symbols are in `engine_levers`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[BaseRoute]:
        """All of them; `/settings` can be written and not read."""
        return [
            Route(f"{PREFIX}/basic-settings", self._answer(self._basic)),
            Route(f"{PREFIX}/basic-settings", self._answer(self._put_basic), methods=["PUT"]),
            Route(f"{PREFIX}/strategy-settings", self._answer(self._strategy)),
            Route(f"{PREFIX}/strategy-settings", self._answer(self._put_strategy), methods=["PUT"]),
            Route(f"{PREFIX}/indicator-settings", self._answer(self._indicators)),
            Route(f"{PREFIX}/indicator-settings", self._answer(self._put_indicators), methods=["PUT"]),
            Route(f"{PREFIX}/settings", self._answer(self._put_basic), methods=["PUT"]),
            Route(f"{PREFIX}/signal-interval", self._answer(self._put_interval), methods=["PUT"]),
        ]

    def _answer(self, handler: Handler) -> Callable[[Request], Awaitable[JSONResponse]]:
        async def answer(request: Request) -> JSONResponse:
            now = self._world.advance()
            try:
                return stamped(await handler(request), now)
            except RefusedError as error:
                return stamped(None, now, error=str(error), status=HTTPStatus.BAD_REQUEST)

        return answer

    async def _basic(self, _: Request) -> object:
        return {"basic": self._world.desk.basic, "risk": self._world.desk.risk}

    async def _put_basic(self, request: Request) -> object:
        initial_balance = self._world.desk.put_basic(await body_of(request))
        if initial_balance is not None:
            self._world.reset_portfolio(initial_balance)
        return {"message": "Settings updated"}

    async def _strategy(self, _: Request) -> object:
        return {
            "strategies": STRATEGIES,
            "risk": self._world.desk.risk,
            "engine": self._world.desk.engine,
            "market_preset": self._world.desk.market_preset,
        }

    async def _put_strategy(self, request: Request) -> object:
        self._world.desk.put_strategy(await body_of(request))
        return {"message": "Strategy settings updated"}

    async def _indicators(self, _: Request) -> object:
        return {"indicators": self._world.desk.indicators, "signal": self._world.desk.signal}

    async def _put_indicators(self, request: Request) -> object:
        self._world.desk.put_indicators(await body_of(request))
        return {"message": "Indicator settings updated"}

    async def _put_interval(self, request: Request) -> object:
        return {"interval_minutes": self._world.desk.put_interval(await body_of(request))}
