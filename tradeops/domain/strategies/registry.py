"""Which strategies there are, by either spelling of their names."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from tradeops.domain.strategies import rules
from tradeops.domain.strategies.strategy import Strategy


@cache
def all_strategies() -> tuple[Strategy, ...]:
    """Every one under `rules`, by name."""
    found = [import_module(f"{rules.__name__}.{module.name}").STRATEGY for module in iter_modules(rules.__path__)]
    return tuple(sorted(found, key=lambda strategy: strategy.name))


def strategy_named(name: str) -> Strategy:
    """By its short name or the bot's, in any case: "rsi", "RSI Strategy".

    Raises:
        ValueError: there is none of that name; says which there are.
    """
    for strategy in all_strategies():
        if _folded(name) in (_folded(strategy.name), _folded(strategy.title)):
            return strategy
    known = ", ".join(f"{strategy.name} ({strategy.title})" for strategy in all_strategies())
    raise ValueError(f"no strategy {name!r}; there are {known}")


def _folded(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("-", " ").casefold().split())
