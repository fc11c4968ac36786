"""The services of the sandbox and the scenario that they play."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from starlette.types import ASGIApp

from sandbox import ai_service, engine, exchange, misfortune
from sandbox.control import Control
from sandbox.engine_levers import Levers, Mode
from sandbox.faults import BadInputError, FaultBook
from sandbox.frontend import build_app as build_frontend
from sandbox.llm import Llm
from sandbox.misfortune import Loss
from sandbox.scenarios import SCENARIOS, Scenario
from sandbox.servers import Service
from sandbox.sinks import Sinks
from sandbox.world import World

LLM_KEY = "sk-sandbox-no-real-key"
AI_RUNNING_FOR = timedelta(hours=6)  # like the bot, it did not start with the sandbox; a restart loses its counters
MIMICKED = ("engine", "ai", "frontend", "exchange", "llm", "sinks")

Place = Callable[[str, ASGIApp, FaultBook], Service]


class Stage:
    """All HTTP services, the world they show, and the faults in force.

    Args:
        scenario: to begin with.
        seed: of the world, whatever the scenario.
        place: puts an application on the port of its name.
        on_change: called after another scenario has begun.
    """

    def __init__(self, scenario: Scenario, *, seed: int, place: Place, on_change: Callable[[], None]) -> None:
        self.scenario = scenario
        self.seed = seed
        self.sinks = Sinks()
        self.faults = FaultBook()
        self.levers = Levers()
        self._world = World.build(seed=seed, regime=scenario.regime)
        self._on_change = on_change
        applications = self._of_the_bot(AI_RUNNING_FOR) | {
            "frontend": build_frontend(),
            "llm": Llm(LLM_KEY).build_app(),
            "sinks": self.sinks.build_app(),
        }
        self.services: Mapping[str, Service] = {name: place(name, applications[name], self.faults) for name in MIMICKED}
        self.control = place("control", Control(self).build_app(), FaultBook())

    @property
    def environment(self) -> dict[str, str]:
        """What a user of the bot sets to mean this one instead."""
        return {
            "RUST_API_URL": self.services["engine"].url,
            "PYTHON_API_URL": self.services["ai"].url,
            "FRONTEND_URL": self.services["frontend"].url,
            "BINANCE_API_URL": self.services["exchange"].url,
            "OPENAI_BASE_URL": f"{self.services['llm'].url}/v1",
            "OPENAI_API_KEY": LLM_KEY,
        }

    async def open(self) -> None:
        """Begin the scenario; the control interface opens last."""
        self._begin()
        await self.apply_faults()
        await self.control.open()

    async def close(self) -> None:
        """Give all ports back."""
        await asyncio.gather(*(service.close() for service in (self.control, *self.services.values())))

    def advance(self) -> None:
        """Trade up to this moment, so that nobody who asks later waits for it."""
        self._world.advance()

    def state(self) -> dict[str, Any]:
        """The state for people and programs, as JSON."""
        return {
            "sandbox": True,
            "scenario": self.scenario.name,
            "story": self.scenario.story,
            "seed": self.seed,
            "expected_states": dict(self.scenario.expected_states),
            "services": {
                name: {"url": service.url, "listening": service.listening, "requests": service.requests.total()}
                for name, service in self.services.items()
            },
            "faults": self.faults.as_json(),
            "levers": asdict(self.levers.mode),
            "messages": len(self.sinks.deliveries),
            "world": self._world.overview(),
        }

    def suffer(self, loss: Loss) -> None:
        """Let the bot have a loss; see `misfortune`."""
        misfortune.suffer(self._world, loss)

    async def apply_faults(self) -> None:
        """Close what must refuse, open what must not."""
        for name, service in self.services.items():
            if self.faults.refuses(name):
                service.refuse()
            else:
                await service.open()

    async def restart(self, service: str) -> None:
        """End all connections of a service, and let it lose what it keeps in memory."""
        self.services[service].refuse()
        match service:
            case "engine":
                self._world.restart_engine()
            case "ai":
                self.services[service].replace(self._of_the_bot(timedelta(0))[service])
        await self.apply_faults()

    async def play(self, scenario: str) -> None:
        """Begin another scenario: its world, its faults, and none of those that were laid by hand.

        Raises:
            BadInputError: there is none of that name.
        """
        if scenario not in SCENARIOS:
            raise BadInputError("scenario", f"{scenario!r} is not there; it is one of {', '.join(SCENARIOS)}")
        self.scenario = SCENARIOS[scenario]
        self._world = World.build(seed=self.seed, regime=self.scenario.regime)
        for name, application in self._of_the_bot(AI_RUNNING_FOR).items():
            self.services[name].replace(application)
        self._begin()
        await self.apply_faults()
        self._on_change()

    def _of_the_bot(self, ai_running_for: timedelta) -> dict[str, ASGIApp]:
        ai = ai_service.build_app(
            self._world, mongodb_connected=lambda: self.scenario.mongodb_connected, running_for=ai_running_for
        )
        return {
            "engine": engine.build_app(self._world, self.levers),
            "ai": ai,
            "exchange": exchange.build_app(self._world),
        }

    def _begin(self) -> None:
        self.faults.clear()
        self.levers.set(Mode())
        for rule in self.scenario.faults:
            self.faults.add(rule)
        for share in self.scenario.losses:
            usdt = self._world.book.equity * share.percent / 100
            self.suffer(Loss(share.symbol, usdt, share.trades))
