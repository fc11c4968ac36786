"""The evidence as numbers and identifiers, the only thing of it that a language model sees. No text of others. Pure."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TypeAlias

from tradeops.domain.decisions.evidence import Evidence, Missing, Past, Week, pieces
from tradeops.domain.figures import Figure

Data: TypeAlias = bool | int | float | str | Sequence["Data"] | Mapping[str, "Data"] | None
HOUR = timedelta(hours=1)
DIGITS = 6


def figures(evidence: Evidence) -> dict[str, Data]:
    """What is asked about, with the age of each piece; no reason, name or amount of money of the account.

    `win_rate`, `avg_profit_per_trade` and `sharpe_ratio` occur once, in `analysis`.
    """
    return {
        "analysis": None if isinstance(evidence.performance, Missing) else _week(evidence.performance),
        "earlier": None if isinstance(evidence.history, Missing) else [_past(past) for past in evidence.history],
        "market": _market(evidence),
        "models": _models(evidence),
        "retrains": _training(evidence),
        "reliability_of_evidence": {
            one.name: {
                "state": one.state.value,
                "age_hours": None if one.age is None else round(one.age / HOUR, 2),
                "stale_after_hours": one.at_most / HOUR,
            }
            for one in pieces(evidence)
            if one.name != "spending"
        },
    }


def _week(week: Week) -> dict[str, Data]:
    return {
        "date": week.date.isoformat(),
        "trades": week.total_trades,
        "win_rate": _number(week.win_rate_percent),
        "win_rate_interval_95": [_number(week.win_rate_low_percent), _number(week.win_rate_high_percent)],
        "avg_profit_per_trade": _number(week.average_profit_percent),
        "sharpe_ratio": _number(week.sharpe_ratio),
        "critical": list(week.critical),
        "targets": [{"metric": name, "at_least": value} for name, value in sorted(week.targets.items())],
        "critical_limits": [{"metric": name, "below": value} for name, value in sorted(week.critical_limits.items())],
        "days": [_past(day) for day in week.days],
    }


def _past(past: Past) -> dict[str, Data]:
    return {
        "date": past.date.isoformat(),
        "trades": past.total_trades,
        "win_percent": _number(past.win_rate_percent),
        "profit_percent": _number(past.average_profit_percent),
        "sharpe": _number(past.sharpe_ratio),
    }


def _market(evidence: Evidence) -> Data:
    market = evidence.market
    if isinstance(market, Missing):
        return None
    return {
        "symbol": market.symbol,
        "volatility_percent": _figure(market.volatility_percent),
        "usual_volatility_percent": _figure(market.usual_volatility_percent),
        "volatility_ratio": _figure(market.volatility_ratio),
        "change_day_percent": _figure(market.change_day_percent),
        "change_week_percent": _figure(market.change_week_percent),
        "trend": market.trend.value if market.trend else None,
        "volume_change_percent": _figure(market.volume_change_percent),
        "missing_candles": market.missing_candles,
    }


def _models(evidence: Evidence) -> Data:
    models = evidence.models
    if isinstance(models, Missing):
        return None
    return [
        {
            "model": one.model_type,
            "symbol": one.symbol,
            "accuracy": _number(one.accuracy_fraction),
            "change": _number(one.change_fraction),
            "measurements": one.measurements,
        }
        for one in models.trends
    ]


def _training(evidence: Evidence) -> Data:
    training = evidence.training
    if isinstance(training, Missing):
        return None
    last, back = training.last_retrain_at, training.last_rollback_at
    return {
        "hours_since_last": None if last is None else round((evidence.gathered_at - last) / HOUR, 2),
        "hours_since_rollback": None if back is None else round((evidence.gathered_at - back) / HOUR, 2),
        "in_seven_days": training.retrains_since(evidence.gathered_at - timedelta(days=7)),
        "running": bool(training.running),
    }


def _figure(figure: Figure) -> float | None:
    return _number(figure.value)


def _number(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
