"""Losses out of the blue: what no market of a seed brings about on order, so that limits can be seen to hold."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.book import FEE_RATE, Position
from sandbox.faults import BadInputError
from sandbox.world import World

LASTED_MS = 3_600_000
SHARE_OF_NOTIONAL = 0.05
MOST_TRADES = 1_000
FIELDS = ("symbol", "usdt", "trades", "opened")


@dataclass(frozen=True, slots=True)
class Loss:
    """So much money, lost now.

    Attributes:
        symbol: one that is traded.
        usdt: all of it, above 0.
        trades: into how many it is parted; they close a millisecond apart, the last one now.
        opened: it is not realised: one position is open, and its mark costs so much.
    """

    symbol: str
    usdt: float
    trades: int = 1
    opened: bool = False


def parse(raw: object) -> Loss:
    """The loss that a JSON value asks for.

    Raises:
        BadInputError: naming the first field that is wrong.
    """
    if not isinstance(raw, Mapping):
        raise BadInputError("", "a loss is a JSON object")
    if unknown := sorted(set(raw) - set(FIELDS)):
        raise BadInputError(str(unknown[0]), f"no such field; there are {', '.join(FIELDS)}")
    symbol, usdt, trades, opened = (raw.get(name) for name in FIELDS)
    if not isinstance(symbol, str):
        raise BadInputError("symbol", "missing")
    if not isinstance(usdt, int | float) or isinstance(usdt, bool) or not 0 < usdt < float("inf"):
        raise BadInputError("usdt", f"{usdt!r} is no amount above 0")
    trades = 1 if trades is None else trades
    if not isinstance(trades, int) or isinstance(trades, bool) or not 1 <= trades <= MOST_TRADES:
        raise BadInputError("trades", f"{trades!r} is no whole number, 1–{MOST_TRADES}")
    if opened not in {None, True, False}:
        raise BadInputError("opened", f"{opened!r} is neither true nor false")
    return Loss(symbol, float(usdt), trades, bool(opened))


def suffer(world: World, loss: Loss) -> None:
    """Let the account have this loss; a position that is open in the symbol is closed, or goes on beside it.

    Raises:
        BadInputError: the symbol is not traded, or more is lost than there is.
    """
    now, book = world.advance(), world.book
    if loss.symbol not in world.trader.settings.symbols:
        known = ", ".join(world.trader.settings.symbols)
        raise BadInputError("symbol", f"{loss.symbol!r} is not traded; those are {known}")
    if loss.usdt >= book.equity:
        raise BadInputError("usdt", f"{loss.usdt:g} is more than there is")
    if loss.opened:
        if loss.symbol in book.positions:
            world.trader.close(loss.symbol, now)
        book.positions[loss.symbol] = _position(world, loss, now)
        return
    held = book.positions.pop(loss.symbol, None)
    for number in range(loss.trades):
        position = _position(world, loss, now)
        book.positions[loss.symbol] = position
        book.close(loss.symbol, position.mark, now - (loss.trades - 1 - number))
    if held is not None:
        book.positions[loss.symbol] = held


def _position(world: World, loss: Loss, now: int) -> Position:
    """Long, entered where today's price and all costs make it the loss, without a stop."""
    usdt, mark = loss.usdt / loss.trades, world.market.price(loss.symbol, now)
    quantity = usdt / SHARE_OF_NOTIONAL / mark
    worth = mark if loss.opened else mark * (1 - FEE_RATE)
    return Position(
        id=f"{now:012x}{len(world.book.closed):04x}",
        symbol=loss.symbol,
        side=1,
        entry_price=(usdt / quantity + worth) / (1 + FEE_RATE),
        quantity=quantity,
        leverage=10,
        stop_loss=None,
        take_profit=None,
        opened_ms=now - LASTED_MS,
        mark=mark,
    )
