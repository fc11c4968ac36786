"""The sandbox's own interface: what state it is in, what it was asked, and what shall fail."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from sandbox.engine_levers import Levers
from sandbox.engine_levers import parse as parse_levers
from sandbox.faults import BadInputError, FaultBook, Rule, parse
from sandbox.misfortune import Loss
from sandbox.misfortune import parse as parse_loss
from sandbox.pages import page, table
from sandbox.servers import Service


class Controlled(Protocol):
    """What is being controlled."""

    @property
    def faults(self) -> FaultBook:
        """The rules in force."""
        ...

    @property
    def levers(self) -> Levers:
        """How the engine behaves when it is switched off."""
        ...

    @property
    def services(self) -> Mapping[str, Service]:
        """Those that can be broken, by name."""
        ...

    def state(self) -> dict[str, Any]:
        """The state for people and programs, as JSON."""
        ...

    async def apply_faults(self) -> None:
        """Close what must refuse, open what must not."""
        ...

    async def restart(self, service: str) -> None:
        """Let a service lose what it keeps in memory."""
        ...

    def suffer(self, loss: Loss) -> None:
        """Let the bot have a loss; `BadInputError` when it cannot."""
        ...

    async def play(self, scenario: str) -> None:
        """Change to another scenario; `BadInputError` when there is none of that name."""
        ...


class Control:
    """The requests that the control interface answers; one that makes no sense is a 400 `{"field": …, "error": …}`."""

    def __init__(self, stage: Controlled) -> None:
        self._stage = stage

    def build_app(self) -> Starlette:
        """`GET /`, `/state`, `/requests`; `/faults`; `POST /losses`, `/levers`, `/restart/…` and `/scenario/…`."""
        return Starlette(
            routes=[
                Route("/", self._home),
                Route("/state", self._state),
                Route("/requests", self._requests),
                Route("/faults", self._faults, methods=["GET"]),
                Route("/faults", self._add_faults, methods=["POST"]),
                Route("/faults", self._clear_faults, methods=["DELETE"]),
                Route("/losses", self._losses, methods=["POST"]),
                Route("/levers", self._levers, methods=["POST"]),
                Route("/restart/{service}", self._restart, methods=["POST"]),
                Route("/scenario/{scenario}", self._scenario, methods=["POST"]),
            ],
            exception_handlers={BadInputError: _refuse},
        )

    async def _home(self, _: Request) -> HTMLResponse:
        services = [
            (service.name, service.url, "listens" if service.listening else "refuses", service.requests.total())
            for service in self._stage.services.values()
        ]
        return HTMLResponse(
            page(
                "Control",
                "<h2>Services</h2>",
                table(("service", "address", "port", "requests"), services),
                "<h2>Faults</h2>",
                table(("rule",), [(json.dumps(rule),) for rule in self._stage.faults.as_json()]),
                "<h2>State</h2>",
                table(("what", "value"), list(self._stage.state().items())),
            )
        )

    async def _state(self, _: Request) -> JSONResponse:
        return JSONResponse(self._stage.state())

    async def _requests(self, _: Request) -> JSONResponse:
        return JSONResponse(
            [
                {"service": service.name, "method": method, "path": path, "count": count}
                for service in self._stage.services.values()
                for (method, path), count in service.requests.items()
            ]
        )

    async def _faults(self, _: Request) -> JSONResponse:
        return JSONResponse(self._stage.faults.as_json())

    async def _add_faults(self, request: Request) -> JSONResponse:
        for rule in _rules(await request.body(), self._stage):
            self._stage.faults.add(rule)
        await self._stage.apply_faults()
        return JSONResponse(self._stage.faults.as_json(), status_code=201)

    async def _clear_faults(self, request: Request) -> JSONResponse:
        service = request.query_params.get("service")
        if service is not None:
            self._check(service)
        self._stage.faults.clear(service)
        await self._stage.apply_faults()
        return JSONResponse(self._stage.faults.as_json())

    async def _losses(self, request: Request) -> JSONResponse:
        loss = parse_loss(_json(await request.body()))
        self._stage.suffer(loss)
        return JSONResponse(self._stage.state(), status_code=201)

    async def _levers(self, request: Request) -> JSONResponse:
        self._stage.levers.set(parse_levers(_json(await request.body())))
        return JSONResponse(self._stage.state(), status_code=201)

    async def _restart(self, request: Request) -> JSONResponse:
        service = request.path_params["service"]
        self._check(service)
        await self._stage.restart(service)
        return JSONResponse({"restarted": service})

    async def _scenario(self, request: Request) -> JSONResponse:
        await self._stage.play(request.path_params["scenario"])
        return JSONResponse(self._stage.state())

    def _check(self, service: str) -> None:
        if service not in self._stage.services:
            raise BadInputError("service", f"{service!r} is not there; it is one of {', '.join(self._stage.services)}")


def _rules(body: bytes, stage: Controlled) -> list[Rule]:
    """All of the rules in a request, or none: one that is wrong refuses the rest with it."""
    raw = _json(body)
    return [parse(one, services=tuple(stage.services)) for one in (raw if isinstance(raw, list) else [raw])]


def _json(body: bytes) -> Any:  # noqa: ANN401 - whatever it says
    try:
        return json.loads(body)
    except ValueError as error:
        raise BadInputError("", f"the body is no JSON: {error}") from error


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, BadInputError):
        raise error
    return JSONResponse({"field": error.field, "error": error.problem}, status_code=400)
