"""The portfolio report as it is stored and printed as JSON."""

import re
from collections.abc import Mapping
from decimal import Decimal

from tradeops.adapters.store.interface import Json
from tradeops.domain.figures import Amount, Figure, unknown, unknown_amount
from tradeops.domain.performance import Equity
from tradeops.domain.portfolio.beside import beside
from tradeops.domain.portfolio.breakdown import Group
from tradeops.domain.portfolio.facts import Source
from tradeops.domain.portfolio.remarks import attention, notes
from tradeops.domain.portfolio.report import PAST, PortfolioReport
from tradeops.domain.portfolio.trading import Trading
from tradeops.domain.position_risk import PositionRisk
from tradeops.domain.texts import whole

NOT_A_FIELD = re.compile(r"[.\0\ud800-\udfff]|^\$|^$")


def as_fields(report: PortfolioReport, *, run_id: str) -> dict[str, Json]:
    """Money is text, USDT; percentages are 0–100; `None` is unknown, and `reasons` says why by the field's name.

    `total_trades` and what stands with it count closed trades, of all time, those included that the engine forgot.
    """
    figures = _figures(report)
    running = "" if report.is_running is not None else PAST if report.facts.past else report.facts.why(Source.STATUS)
    reasons = {name: figure.reason for name, figure in figures.items() if figure.reason}
    reasons |= {"is_running": running} if running else {}
    reasons |= {"positions": report.positions_problem} if report.positions is None else {}
    reasons |= {"strategies": report.trading_problem} if report.trading is None else {}
    return {
        "status": "success",
        "run_id": run_id,
        "date": report.day.isoformat(),
        "started_at": report.facts.started_at.isoformat(),
        "finished_at": report.finished_at.isoformat(),
        "data_as_of": report.data_as_of.isoformat(),
        "partial": bool(report.facts.missing),
        **{name: _plain(figure) for name, figure in figures.items()},
        **_counts(report.trading),
        "delta_total_trades": None if (more := report.deltas.total_trades.value) is None else round(more),
        "day_start_equity_label": _label(report.day_start),
        "is_running": report.is_running,
        "positions": None if report.positions is None else [_position(risk) for risk in report.positions],
        "engine_claims": {row.name: {"engine": row.engine.shown(row.digits), "why": row.why} for row in beside(report)},
        "attention": [whole(line) for line in attention(report)],
        "notes": [whole(line) for line in notes(report)],
        "reasons": {name: whole(reason) for name, reason in reasons.items()},
    }


def _figures(report: PortfolioReport) -> dict[str, Amount | Figure]:
    deltas = report.deltas
    return {
        "balance": report.balance,
        "equity": report.equity,
        "unrealised_pnl": report.unrealised,
        "total_return_pct": report.total_return_percent,
        **_of_trades(report.trading, report.trading_problem),
        "day_start_equity": report.day_start.usd,
        "open_notional": report.notional,
        "pnl_if_all_stopped": report.if_all_stopped,
        "delta_balance": deltas.balance,
        "delta_equity": deltas.equity,
        "delta_realised_pnl": deltas.realised,
        "delta_total_return_points": deltas.total_return_points,
        "delta_win_rate_points": deltas.win_rate_points,
        "delta_total_trades": deltas.total_trades,
    }


def _of_trades(trading: Trading | None, problem: str) -> dict[str, Amount | Figure]:
    amounts, figures = ("realised_pnl", "today_pnl", "fees_estimated"), ("win_rate", "avg_profit_per_trade")
    falls = ("max_drawdown_pct", "drawdown_now_pct")
    if trading is None:
        return {name: unknown_amount(problem) for name in amounts} | {n: unknown(problem) for n in (*figures, *falls)}
    return {
        "realised_pnl": trading.whole.realized_pnl_usd,
        "today_pnl": trading.today.realized_pnl_usd,
        "fees_estimated": trading.fees,
        "win_rate": trading.whole.win_rate_percent,
        "avg_profit_per_trade": trading.whole.average_profit_percent,
        "max_drawdown_pct": trading.drawdown.percent,
        "drawdown_now_pct": trading.drawdown.now_percent,
    }


def _counts(trading: Trading | None) -> dict[str, Json]:
    if trading is None:
        return dict.fromkeys(("total_trades", "winning_trades", "losing_trades", "today_trades", "streak")) | {
            "strategies": None,
            "symbols": None,
        }
    return {
        "total_trades": trading.whole.trades,
        "winning_trades": trading.whole.wins,
        "losing_trades": trading.whole.losses,
        "today_trades": trading.today.trades,
        "streak": trading.whole.streaks.current,
        "strategies": _groups(trading.breakdown.strategies),
        "symbols": _groups(trading.breakdown.symbols),
    }


def _groups(groups: Mapping[str, Group]) -> dict[str, Json]:
    return {
        NOT_A_FIELD.sub("_", name): {
            "trades": group.trades,
            "win_rate": group.win_rate_percent,
            "pnl": f"{group.pnl_usd:f}",
        }
        for name, group in groups.items()
    }


def _position(risk: PositionRisk) -> dict[str, Json]:
    trade = risk.trade
    figures: dict[str, Amount | Figure] = {
        "unrealised_pnl": risk.unrealised_usd,
        "stop_distance_pct": risk.stop_distance_percent,
        "pnl_if_stopped": risk.pnl_if_stopped_usd,
    }
    return {
        "id": whole(trade.id),
        "symbol": whole(trade.symbol),
        "side": trade.side.value,
        "entry_price": f"{trade.entry_price:f}",
        "quantity": f"{trade.quantity:f}",
        "notional": f"{trade.notional:f}",
        "opened_at": trade.opened_at.isoformat(),
        **{name: _plain(figure) for name, figure in figures.items()},
        "reasons": {name: whole(figure.reason) for name, figure in figures.items() if figure.reason},
    }


def _label(equity: Equity) -> str | None:
    return None if equity.usd.value is None else equity.label


def _plain(figure: Amount | Figure) -> Json:
    match figure.value:
        case Decimal() as amount:
            return f"{amount:f}"
        case value:
            return value
