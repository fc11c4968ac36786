"""The stand-in for a language model: its verdict follows by fixed rules from the figures in the prompt.

It reads JSON objects out of the prompt, looks in them for the three figures of `LIMITS`, and proposes a retrain when
two are below their limits and nothing else in the prompt explains that. Nothing is learnt from it about what a language
model would say.
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

LIMITS = {"win_rate": 55.0, "avg_profit_per_trade": 1.5, "sharpe_ratio": 1.0}
CERTAIN = 0.95
UNUSUAL = 2.0  # times the usual volatility: then the market explains bad trades
BETTER = 0.01  # a model that gained so much accuracy needs no retrain
RISING = 4  # win rates in a row, each above the one before, are a recovery
DEPTH = 12


def judge(prompt: str) -> dict[str, Any]:
    """The answer of a self-analysis to a prompt that carries its figures as JSON.

    Confidence grows with how many figures are below their limits and how far; without any figure it is 0.3 for `wait`.
    """
    figures = {name: value for name in LIMITS if (value := _figure(prompt, name)) is not None}
    short = {name: (LIMITS[name] - value) / LIMITS[name] for name, value in figures.items() if value < LIMITS[name]}
    if not short:
        return {
            "recommendation": "wait",
            "confidence": 0.8 if figures else 0.3,
            "reasoning": "Sandbox: no figure is below its limit." if figures else "Sandbox: the prompt has no figures.",
            "urgency": "low",
            "suggested_actions": [],
            "estimated_improvement": "none",
        }
    if excuse := _excuse(prompt, figures, short):
        return {
            "recommendation": "wait",
            "confidence": 0.7,
            "reasoning": f"Sandbox: {excuse}.",
            "urgency": "low",
            "suggested_actions": ["look again tomorrow"],
            "estimated_improvement": "none",
        }
    named = ", ".join(f"{name} {figures[name]:g} below {LIMITS[name]:g}" for name in short)
    confidence = 0.55 + 0.1 * len(short) + 0.1 * sum(min(distance, 1.0) for distance in short.values())
    return {
        "recommendation": "retrain",
        "confidence": round(min(confidence, CERTAIN), 2),
        "reasoning": f"Sandbox: {named}.",
        "urgency": ("low", "medium", "high")[len(short) - 1],
        "suggested_actions": ["retrain the models on recent data"],
        "estimated_improvement": "unknown: the sandbox does not predict",
    }


def _excuse(prompt: str, figures: Mapping[str, float], short: Mapping[str, float]) -> str:
    """Why figures below their limits are no reason for a retrain; empty when they are one."""
    if len(short) == 1 < len(figures):
        return f"{next(iter(short))} alone is below its limit"
    if (ratio := _figure(prompt, "volatility_ratio")) is not None and ratio > UNUSUAL:
        return f"the market moves {ratio:g} times as much as usual"
    changes = _all(prompt, "change")
    if changes and sum(changes) / len(changes) > BETTER:
        return "the models have just become better"
    rates = [*_all(prompt, "win_percent", within="earlier"), figures.get("win_rate", 0.0)]
    if len(rates) >= RISING and all(before < after for before, after in itertools.pairwise(rates)):
        return "the win rate recovers"
    return ""


def _figure(prompt: str, name: str) -> float | None:
    """The first number of that name in any JSON object of the prompt."""
    return next((value for found in _objects(prompt) for value in _numbers(found, name, DEPTH)), None)


def _all(prompt: str, name: str, within: str = "") -> list[float]:
    """Every number of that name in the prompt's JSON, or in what its fields of the name `within` hold."""
    holders: list[object] = list(_objects(prompt))
    if within:
        holders = [one[within] for one in holders if isinstance(one, dict) and within in one]
    return [value for one in holders for value in _numbers(one, name, DEPTH)]


def _objects(text: str) -> Iterator[object]:
    decoder, place = json.JSONDecoder(), text.find("{")
    while place >= 0:
        try:
            found, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            end = place + 1
        else:
            yield found
        place = text.find("{", end)


def _numbers(node: object, name: str, depth: int) -> Iterator[float]:
    inner: list[object] = []
    match node:
        case dict():
            value = node.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield float(value)
            inner = list(node.values())
        case list():
            inner = node
    if depth:
        for one in inner:
            yield from _numbers(one, name, depth - 1)
