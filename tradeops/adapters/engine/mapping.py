"""From the engine's wire models to the domain."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count

from tradeops.adapters.engine import wire
from tradeops.adapters.wire import parse_each
from tradeops.domain.bot import BasicSettings, EngineStatus, SymbolSettings
from tradeops.domain.candles import Candle, CandleSeries, find_gaps, implausible, merged
from tradeops.domain.engine_claims import EngineClaims
from tradeops.domain.portfolio.portfolio import ClosedTrade, OpenTrade, Portfolio
from tradeops.domain.readings import RejectedRecord
from tradeops.http import Answer


def status(answer: wire.Status) -> EngineStatus:
    """As it is."""
    return EngineStatus(is_running=answer.is_running, last_updated=answer.last_updated)


def portfolio(answer: wire.EnginePortfolio) -> Portfolio:
    """The shape of the engine's release."""
    return Portfolio(
        balance=answer.current_balance,
        equity=answer.equity,
        total_return_percent=answer.total_pnl_percentage,
        total_pnl=answer.total_pnl,
        total_trades=answer.total_trades,
        max_drawdown_percent=answer.max_drawdown_percentage,
        claims=claims(answer),
    )


def flat_portfolio(answer: wire.FlatPortfolio) -> Portfolio:
    """The shape of other deployments; what they do not say stays unknown."""
    return Portfolio(
        balance=answer.balance,
        equity=answer.equity,
        total_return_percent=answer.total_return_percent,
        total_pnl=answer.total_pnl,
        total_trades=answer.total_trades,
        max_drawdown_percent=answer.max_drawdown_percentage,
        winning_trades=answer.winning_trades,
        losing_trades=answer.losing_trades,
        claims=claims(answer),
    )


def claims(answer: wire.Claims) -> EngineClaims:
    """As they are."""
    return EngineClaims(
        win_rate_percent=answer.win_rate,
        profit_factor=answer.profit_factor,
        sharpe_ratio=answer.sharpe_ratio,
        average_profit=answer.average_profit_per_trade,
    )


def open_trade(record: wire.OpenTradeRecord) -> OpenTrade:
    """As it is."""
    return OpenTrade(
        id=record.id,
        symbol=record.symbol,
        side=record.trade_type,
        entry_price=record.entry_price,
        quantity=record.quantity,
        leverage=record.leverage,
        opened_at=record.open_time,
        unrealised_pnl=record.pnl,
        stop_loss=record.stop_loss,
        take_profit=record.take_profit,
        strategy=record.strategy,
    )


def closed_trade(record: wire.ClosedTradeRecord) -> ClosedTrade:
    """As it is.

    Raises:
        ValueError: it was closed before it was opened.
    """
    if record.close_time < record.open_time:
        raise ValueError("close_time is before open_time")
    return ClosedTrade(
        id=record.id,
        symbol=record.symbol,
        side=record.trade_type,
        entry_price=record.entry_price,
        exit_price=record.exit_price,
        quantity=record.quantity,
        leverage=record.leverage,
        pnl=record.pnl,
        opened_at=record.open_time,
        closed_at=record.close_time,
        duration=None if record.duration_ms is None else timedelta(milliseconds=record.duration_ms),
        strategy=record.strategy,
    )


def symbol_settings(symbol: str, entry: wire.SymbolEntry) -> SymbolSettings:
    """As it is."""
    return SymbolSettings(
        symbol=symbol,
        enabled=entry.enabled,
        leverage=entry.leverage,
        position_size_percent=entry.position_size_pct,
        stop_loss_percent=entry.stop_loss_pct,
        take_profit_percent=entry.take_profit_pct,
        max_positions=entry.max_positions,
    )


def basic_settings(answer: wire.BasicSettingsAnswer) -> BasicSettings:
    """Of both parts the account's."""
    return BasicSettings(
        initial_balance=answer.basic.initial_balance,
        trading_fee_fraction=answer.basic.trading_fee_rate,
    )


def candle_series(
    answer: wire.CandlesAnswer, period: timedelta, *, limit: int, now: datetime, source: Answer
) -> tuple[CandleSeries, tuple[RejectedRecord, ...]]:
    """Ascending, closed, one per period.

    Open is what `is_closed` denies. Without that field it is what `now` says, and the newest in any case: the contract
    calls it open, and a stream that died leaves it unfinished for ever.

    Raises:
        ContractError: no candle has the shape of one.
    """

    def build(record: wire.CandleRecord) -> tuple[Candle, bool | None]:
        candle = Candle(record.timestamp, record.open, record.high, record.low, record.close, record.volume)
        if problem := implausible(candle, period):
            raise ValueError(problem)
        return candle, record.is_closed

    pairs, rejected = parse_each(
        wire.CandleRecord, named(answer.candles, key="timestamp"), build, system=source.system, source=source.address
    )
    newest = max((candle.opened_at for candle, _ in pairs), default=now)
    closed = [
        candle
        for candle, is_closed in pairs
        if is_closed or (is_closed is None and candle.opened_at != newest and candle.opened_at + period <= now)
    ]
    ordered = merged(closed)
    series = CandleSeries(
        symbol=answer.symbol,
        timeframe=answer.timeframe,
        candles=ordered[-limit:],
        requested=limit,
        gaps=find_gaps(ordered[-limit:], period),
        duplicates=len(closed) - len(ordered),
        open_dropped=len(pairs) - len(closed),
    )
    return series, rejected


def named(records: list[object], key: str = "id") -> Iterator[tuple[str, object]]:
    """Each record with the name it gets when it is rejected."""
    for place, record in zip(count(1), records, strict=False):
        name = record.get(key) if isinstance(record, dict) else None
        yield (str(name)[:40] if isinstance(name, str | int) else f"#{place}"), record
