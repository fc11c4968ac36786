"""The bot engine, as its contract sheet has it: its routes, and those that it lacks."""

from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.engine_answers import body_of, plain, stamped
from sandbox.engine_levers import Levers
from sandbox.engine_market import MarketRoutes
from sandbox.engine_paper import PaperRoutes
from sandbox.engine_settings import SettingsRoutes
from sandbox.world import World

ACCOUNT = {"email": "operator@sandbox.invalid", "password": "sandbox"}
TOKEN = "sandbox-token"  # noqa: S105 -- opens nothing but the sandbox


def build_app(world: World, levers: Levers | None = None) -> Starlette:
    """The engine of this world; whatever has no route here is a 404 in plain text, a wrong verb a 405.

    Args:
        world: which.
        levers: how it behaves when it is switched off; `None` is as its sheet has it.
    """
    other = _OtherRoutes(world)
    return Starlette(
        routes=[
            *MarketRoutes(world).routes(),
            *PaperRoutes(world).routes(),
            *SettingsRoutes(world).routes(),
            *(levers or Levers()).routes(world),
            Route("/api/health", other.health),
            Route("/api/health/{anything:path}", other.health),
            Route("/api/trading/positions", other.no_positions),
            Route("/api/trading/account", other.live_account),
            Route("/api/trading/performance", other.live_performance),
            Route("/api/monitoring/system", other.monitoring_system),
            Route("/api/monitoring/trading", other.monitoring_trading),
            Route("/api/monitoring/connection", other.monitoring_connection),
            Route("/api/real-trading/{anything:path}", other.no_real_trading),
            Route("/api/notifications/preferences", other.preferences),
            Route("/api/notifications/preferences", other.put_preferences, methods=["PUT"]),
            Route("/api/auth/login", other.login, methods=["POST"]),
            Route("/api/auth/profile", other.profile),
        ]
    )


class _OtherRoutes:
    """Health, the engine that trades for real (and does not here), monitoring, notifications, login."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._preferences: object = {
            "enabled": True,
            "channels": {"webhook": {"url": "http://sandbox.invalid/hook", "token": "sandbox-secret-in-clear"}},
        }

    async def health(self, _: Request) -> JSONResponse:
        return plain("Bot is running")

    async def no_positions(self, _: Request) -> JSONResponse:
        return plain([])

    async def live_account(self, _: Request) -> JSONResponse:
        return plain(None, error="Account not available")

    async def live_performance(self, _: Request) -> JSONResponse:
        return plain({"total_trades": 0, "winning_trades": 0, "total_pnl": 0.0, "win_rate": 0.0})

    async def monitoring_system(self, _: Request) -> JSONResponse:
        return plain({"cpu_usage_percent": 15.0, "memory_usage_mb": 512.0, "uptime_seconds": 3600})

    async def monitoring_trading(self, _: Request) -> JSONResponse:
        return plain({"active_positions": 0, "total_trades": 0, "cache_hit_rate": 0.95})

    async def monitoring_connection(self, _: Request) -> JSONResponse:
        return plain({"websocket_connected": True, "api_responsive": True, "reconnect_count": 0})

    async def no_real_trading(self, _: Request) -> JSONResponse:
        problem, status = "Real trading engine is not available", HTTPStatus.SERVICE_UNAVAILABLE
        return stamped(None, self._world.now_ms(), error=problem, status=status)

    async def preferences(self, _: Request) -> JSONResponse:
        return plain(self._preferences)

    async def put_preferences(self, request: Request) -> JSONResponse:
        self._preferences = await body_of(request)
        return plain(self._preferences)

    async def login(self, request: Request) -> JSONResponse:
        body = await body_of(request)
        if not isinstance(body, dict) or not {"email", "password"} <= body.keys():
            return _failed("email and password are required", HTTPStatus.BAD_REQUEST)
        if body != ACCOUNT:
            return _failed("Invalid credentials", HTTPStatus.UNAUTHORIZED)
        return plain({"token": TOKEN, "user": {"email": ACCOUNT["email"]}})

    async def profile(self, request: Request) -> JSONResponse:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _failed("Missing or invalid token", HTTPStatus.UNAUTHORIZED)
        return plain({"email": ACCOUNT["email"]})


def _failed(problem: str, status: HTTPStatus) -> JSONResponse:
    return JSONResponse({"success": False, "data": None, "error": problem}, status_code=status)
