"""What the sandbox can play, as data: the state of the world, the faults, and how each run must then end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from sandbox.faults import Kind, Rule

Regime = Literal["healthy", "degrading"]
ALL_GOOD = MappingProxyType(
    {
        "system-health-check": "Completed",
        "daily-performance-analysis": "Completed",
        "gpt4-self-analysis": "Skipped",
        "daily-portfolio-report": "Completed",
        "daily-api-cost-report": "Completed",
    }
)


@dataclass(frozen=True, slots=True)
class Misfortune:
    """A part of the equity, 0–100 %, that trades of one symbol have lost just before the start."""

    symbol: str
    percent: float
    trades: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """One situation of the bot.

    Attributes:
        name: on the command line.
        story: one line for people.
        regime: of the market and of the trades in it.
        mongodb_connected: what the AI service says of its database.
        faults: in force from the start.
        losses: suffered at the start.
        expected_states: of each flow, the name of the Prefect state in which its run ends.
    """

    name: str
    story: str
    regime: Regime = "healthy"
    mongodb_connected: bool = True
    faults: tuple[Rule, ...] = ()
    losses: tuple[Misfortune, ...] = ()
    expected_states: Mapping[str, str] = field(default_factory=lambda: ALL_GOOD)


HEALTHY = Scenario("healthy", "All is well.")

DEGRADING = Scenario(
    "degrading",
    "The bot loses more and more, the AI service has lost its database, the frontend is down.",
    regime="degrading",
    mongodb_connected=False,
    faults=(Rule("frontend", Kind.REFUSE),),
    expected_states=ALL_GOOD
    | {
        "system-health-check": "Critical",
        "daily-performance-analysis": "Critical",
        "gpt4-self-analysis": "Completed",  # it decides on a retrain, and starts it
        "adaptive-retrain": "Completed",
    },
)

CRASH = Scenario(
    "crash",
    "The engine is gone; what leans on it answers with errors.",
    faults=(
        Rule("engine", Kind.REFUSE),
        Rule("ai", Kind.ERROR, status=500),
        Rule("frontend", Kind.ERROR, status=500),
    ),
    # without the engine there is nothing to report of; what the AI service spent is then not known
    expected_states={
        "system-health-check": "Critical",
        "daily-performance-analysis": "Failed",
        "gpt4-self-analysis": "Skipped",  # nothing is decided without an analysis of performance
        "daily-portfolio-report": "Failed",
        "daily-api-cost-report": "Degraded",
    },
)

FLAKY = Scenario(
    "flaky",
    "Every service fails again and again, and works when it is asked once more.",
    faults=(
        Rule("engine", Kind.ERROR, status=503, every=2),
        Rule("ai", Kind.RESET, every=2),
        Rule("frontend", Kind.ERROR, status=503, every=2),
        # every third: the client reads candles page by page, so at every second no look at them would ever come through
        Rule("exchange", Kind.ERROR, status=503, every=3),
        Rule("llm", Kind.ERROR, status=503, every=2),
    ),
)

LOSING = Scenario(
    "losing",
    "The account has just lost a fifth of its money in a dozen trades: the guard switches every symbol off.",
    losses=tuple(Misfortune(symbol, 8, 4) for symbol in ("ETHUSDT", "BNBUSDT", "SOLUSDT")),
    expected_states=ALL_GOOD | {"emergency-strategy-disable": "Completed"},
)

SCENARIOS: Mapping[str, Scenario] = {one.name: one for one in (HEALTHY, DEGRADING, CRASH, FLAKY, LOSING)}
