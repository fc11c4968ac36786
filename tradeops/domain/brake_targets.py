"""What can be switched off: a strategy by its name, one symbol, or all of them. Pure.

A target is written `RSI Strategy`, `symbol:ETHUSDT` or `portfolio`. The engine's trades name no strategy, so which
symbols belong to one is for the operator to say; where nothing is said, all do.
"""

import re
from collections.abc import Iterable, Mapping

from tradeops.domain.texts import whole

PORTFOLIO = "portfolio"
SYMBOL = "symbol:"
STRATEGIES: Mapping[str, str] = {
    "rsi": "RSI Strategy",
    "macd": "MACD Strategy",
    "volume": "Volume Strategy",
    "bollinger": "Bollinger Bands Strategy",
    "stochastic": "Stochastic Strategy",
}
SHAPE_OF_SYMBOL = re.compile(r"[A-Z0-9]{2,20}")

Mapped = Mapping[str, tuple[str, ...]]

_BY_ANY_NAME = {name.lower(): name for name in STRATEGIES.values()} | dict(STRATEGIES)


def named(text: str, further: Iterable[str] = ()) -> str:
    """The target that somebody means; capital letters and short names of strategies do not matter.

    Args:
        text: as it was typed.
        further: strategies besides those of the engine, and targets that are known already.

    Raises:
        ValueError: there is no such target; names those that there are.
    """
    further = tuple(further)
    if text in further:
        return text
    wanted = " ".join(text.split())
    if wanted.lower() == PORTFOLIO:
        return PORTFOLIO
    if wanted.lower().startswith(SYMBOL):
        symbol = wanted[len(SYMBOL) :].strip().upper()
        if SHAPE_OF_SYMBOL.fullmatch(symbol):
            return SYMBOL + symbol
        raise ValueError(f"{wanted[len(SYMBOL) :]!r} is no symbol, such as ETHUSDT")
    further = tuple(name for name in further if is_strategy(name))
    there = {name.lower(): name for name in further} | _BY_ANY_NAME
    if wanted.lower() not in there:
        known = ", ".join(dict.fromkeys((*STRATEGIES.values(), *further)))
        raise ValueError(f"no strategy {wanted!r}; there are {known}; or symbol:NAME, or {PORTFOLIO}")
    return there[wanted.lower()]


def strategy_named(text: str | None, further: Iterable[str] = ()) -> str | None:
    """The strategy that a trade is of, whatever the engine calls it; `None` where it names none that can be a target.

    Args:
        text: as the engine writes it.
        further: strategies besides those of the engine; capital letters do not matter.
    """
    name = " ".join(whole(text or "").split())
    if not name or name.lower() == PORTFOLIO or name.lower().startswith(SYMBOL):
        return None
    return ({one.lower(): one for one in further} | _BY_ANY_NAME).get(name.lower(), name)


def symbol_of(target: str) -> str | None:
    """The one symbol that is meant; `None` for a strategy and the portfolio."""
    return target[len(SYMBOL) :] if target.startswith(SYMBOL) else None


def is_strategy(target: str) -> bool:
    """Whether the engine may know it by this name."""
    return target != PORTFOLIO and symbol_of(target) is None


def means_all(target: str, mapped: Mapped) -> bool:
    """Whether every symbol must be off for the target to be off."""
    return target == PORTFOLIO or (is_strategy(target) and target not in mapped)


def symbols_of(target: str, there: Iterable[str], mapped: Mapped) -> tuple[str, ...]:
    """The symbols that must be off for the target to be off, never none; all of them where nothing else is said.

    Args:
        target: as `named` writes it.
        there: the engine's symbols.
        mapped: the symbols of a strategy.

    Raises:
        ValueError: the engine has none of them; names those that it has.
    """
    known = tuple(there)
    symbol = symbol_of(target)
    wanted = known if target == PORTFOLIO else (symbol,) if symbol else mapped.get(target, known)
    found = tuple(one for one in wanted if one in known)
    if not found:
        raise ValueError(
            f"the engine has no symbol {', '.join(wanted)}".rstrip() + f"; it has {', '.join(known) or 'none'}"
        )
    return found


def strategy_of(symbol: str, mapped: Mapped) -> str | None:
    """The one strategy that a symbol belongs to; `None` where there is none, or more than one."""
    owners = [strategy for strategy, symbols in mapped.items() if symbol in symbols]
    return owners[0] if len(owners) == 1 else None
