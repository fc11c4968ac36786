"""What the AI service says it spent: process-local counters, and projections from the average cost of a call."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.market import MINUTE_MS

MODEL = "gpt-4o-mini"
INTERVAL_MINUTES = 2
SYMBOLS_TRACKED = 4
USD_PER_1M_INPUT_TOKENS = 0.15
USD_PER_1M_OUTPUT_TOKENS = 0.6
VND_PER_USD = 23_000
CALLS_PER_DAY = 1440 // INTERVAL_MINUTES * SYMBOLS_TRACKED
PROJECTED_DAYS = 30


@dataclass(slots=True)
class Counters:
    """The calls to the model since the process began to live: of the bot's own schedule, and those asked for.

    Attributes:
        started_ms: the first calls of the schedule come one interval later.
        seed: of the sizes of the calls.
    """

    started_ms: int
    seed: int
    requests: int = field(init=False, default=0)
    input_tokens: int = field(init=False, default=0)
    output_tokens: int = field(init=False, default=0)
    _intervals: int = field(init=False, default=0)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    @property
    def cost_usd(self) -> float:
        """By the prices of the model."""
        return (self.input_tokens * USD_PER_1M_INPUT_TOKENS + self.output_tokens * USD_PER_1M_OUTPUT_TOKENS) / 1_000_000

    def catch_up(self, now_ms: int) -> None:
        """Make the calls of the schedule that were due since the last look."""
        due = (now_ms - self.started_ms) // (INTERVAL_MINUTES * MINUTE_MS)
        for _ in range((due - self._intervals) * SYMBOLS_TRACKED):
            self.call()
        self._intervals = max(due, self._intervals)

    def call(self) -> None:
        """One paid call."""
        self.requests += 1
        self.input_tokens += self._random.randint(1_600, 1_900)
        self.output_tokens += self._random.randint(300, 400)

    def statistics(self) -> Mapping[str, object]:
        """The answer of `/ai/cost/statistics` without its time; before the first call all of it is zero."""
        tokens = self.input_tokens + self.output_tokens
        average_usd = self.cost_usd / self.requests if self.requests else 0.0
        daily_usd = average_usd * CALLS_PER_DAY
        monthly_usd = daily_usd * PROJECTED_DAYS
        return {
            "session_statistics": {
                "total_requests": self.requests,
                "total_input_tokens": self.input_tokens,
                "total_output_tokens": self.output_tokens,
                "total_tokens": tokens,
                "total_cost_usd": round(self.cost_usd, 6),
                "total_cost_vnd": _vnd(self.cost_usd),
                "average_cost_per_request_usd": round(average_usd, 5),
                "average_tokens_per_request": round(tokens / self.requests, 1) if self.requests else 0.0,
            },
            "projections": {
                "estimated_daily_cost_usd": round(daily_usd, 3),
                "estimated_daily_cost_vnd": _vnd(daily_usd),
                "estimated_monthly_cost_usd": round(monthly_usd, 2),
                "estimated_monthly_cost_vnd": _vnd(monthly_usd),
            },
            "configuration": {
                "model": MODEL,
                "analysis_interval_minutes": INTERVAL_MINUTES,
                "symbols_tracked": SYMBOLS_TRACKED,
                "input_cost_per_1m_tokens": USD_PER_1M_INPUT_TOKENS,
                "output_cost_per_1m_tokens": USD_PER_1M_OUTPUT_TOKENS,
            },
            "optimization_status": {"estimated_savings_percent": 63},
        }


def _vnd(usd: float) -> float:
    return float(round(usd * VND_PER_USD))
