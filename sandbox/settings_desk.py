"""The engine's settings: what it shows, what it takes, and what it silently ignores."""

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sandbox.trading_settings import SymbolSettings, TradingSettings

STRATEGY_NAMES = ("RSI Strategy", "MACD Strategy", "Volume Strategy", "Bollinger Bands Strategy", "Stochastic Strategy")
MOST_LEVERAGE = 18  # with more, the simplified liquidation would hit at entry
MARKET_PRESETS = ("normal_volatility", "low_volatility", "high_volatility")

STRATEGIES: Mapping[str, Any] = {
    "rsi": {"enabled": True, "period": 14, "oversold_threshold": 30.0, "overbought_threshold": 70.0,
            "extreme_oversold": 20.0, "extreme_overbought": 80.0},
    "macd": {"enabled": True, "fast_period": 12, "slow_period": 26, "signal_period": 9, "histogram_threshold": 0.001},
    "volume": {"enabled": True, "sma_period": 20, "spike_threshold": 2.0, "correlation_period": 10},
    "bollinger": {"enabled": True, "period": 20, "multiplier": 2.0, "squeeze_threshold": 0.02},
    "stochastic": {"enabled": True, "k_period": 14, "d_period": 3, "oversold_threshold": 20.0,
                   "overbought_threshold": 80.0, "extreme_oversold": 10.0, "extreme_overbought": 90.0},
}  # fmt: skip
RISK: Mapping[str, Any] = {
    "max_risk_per_trade": 1.0,
    "max_portfolio_risk": 10.0,
    "stop_loss_percent": 5.0,
    "take_profit_percent": 10.0,
    "max_leverage": 5,
    "max_drawdown": 10.0,
    "daily_loss_limit": 3.0,
    "max_consecutive_losses": 3,
    "correlation_limit": 0.7,
}
ENGINE: Mapping[str, Any] = {
    "min_confidence_threshold": 0.5,
    "signal_combination_mode": "WeightedAverage",
    "enabled_strategies": list(STRATEGY_NAMES),
    "data_resolution": "15m",
}
BASIC: Mapping[str, Any] = {
    "enabled": True,
    "initial_balance": 10_000.0,
    "max_positions": 5,
    "default_position_size_pct": 2.0,
    "default_leverage": 3,
    "trading_fee_rate": 0.0004,
    "funding_fee_rate": 0.0001,
    "slippage_pct": 0.01,
}
INDICATORS: Mapping[str, Any] = {
    "rsi_period": 14,
    "macd_fast": 12,
    "macd_slow": 26,
    "macd_signal": 9,
    "ema_periods": [9, 21, 50],
    "bollinger_period": 20,
    "bollinger_std": 2.0,
    "volume_sma_period": 20,
    "stochastic_k_period": 14,
    "stochastic_d_period": 3,
}
SIGNAL: Mapping[str, Any] = {
    "trend_threshold_percent": 0.8,
    "min_required_timeframes": 3,
    "min_required_indicators": 4,
    "confidence_base": 0.5,
    "confidence_per_timeframe": 0.08,
}


class RefusedError(ValueError):
    """A setting that the engine does not take; the message is what it answers."""


def _copy_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(dict(settings))


@dataclass(slots=True)
class SettingsDesk:
    """All settings; `trading` is the part that the trader obeys."""

    trading: TradingSettings = field(default_factory=TradingSettings)
    basic: dict[str, Any] = field(default_factory=lambda: _copy_of(BASIC))
    risk: dict[str, Any] = field(default_factory=lambda: _copy_of(RISK))
    engine: dict[str, Any] = field(default_factory=lambda: _copy_of(ENGINE))
    market_preset: str = MARKET_PRESETS[0]
    indicators: dict[str, Any] = field(default_factory=lambda: _copy_of(INDICATORS))
    signal: dict[str, Any] = field(default_factory=lambda: _copy_of(SIGNAL))

    def symbols(self) -> dict[str, dict[str, Any]]:
        """Each symbol's entry."""
        return {symbol: asdict(settings) for symbol, settings in self.trading.symbols.items()}

    def put_symbols(self, body: object, *, known: tuple[str, ...]) -> list[str]:
        """Replace each named entry; a field that is left out becomes null.

        Raises:
            RefusedError: an unknown symbol or a value that makes no sense; then nothing is changed.
        """
        entries = _object(_object(body, "body").get("symbols"), "symbols")
        for symbol in entries:
            if symbol not in known:
                raise RefusedError(f"Unknown symbol: {symbol}")
        replaced = {symbol: _symbol_settings(symbol, entry) for symbol, entry in entries.items()}
        self.trading.symbols = {**self.trading.symbols, **replaced}
        return list(replaced)

    def put_basic(self, body: object) -> float | None:
        """Take the fields that are there; the initial balance when it is one of them: the portfolio is to be reset.

        Raises:
            RefusedError: a value of the wrong type or range; then nothing is changed.
        """
        sent = _object(body, "body")
        fields = {**sent, **_object(sent.get("basic", {}), "basic")}
        changes = {name: _like(name, fields[name], default) for name, default in BASIC.items() if name in fields}
        risk = _object(sent.get("risk", {}), "risk")
        risks = {name: _like(name, risk[name], default) for name, default in RISK.items() if name in risk}
        if changes.get("default_leverage", 1) > MOST_LEVERAGE:
            raise RefusedError(f"default_leverage must be between 1 and {MOST_LEVERAGE}")
        self.basic |= changes
        self.risk |= risks
        self._obey()
        return changes.get("initial_balance")

    def put_strategy(self, body: object) -> None:
        """Take risk, engine and preset; the strategies must be there and are ignored.

        Raises:
            RefusedError: a part is missing or no object.
        """
        settings = _object(_object(body, "body").get("settings"), "settings")
        _object(settings.get("strategies"), "strategies")
        risk, engine = _object(settings.get("risk"), "risk"), _object(settings.get("engine"), "engine")
        if settings.get("market_preset") not in MARKET_PRESETS:
            raise RefusedError(f"market_preset must be one of {', '.join(MARKET_PRESETS)}")
        self.risk |= {k: _like(k, v, RISK[k]) for k, v in risk.items() if k in RISK}
        self.engine |= {k: v for k, v in engine.items() if k in ENGINE}
        self.market_preset = settings["market_preset"]

    def put_indicators(self, body: object) -> None:
        """Take the known keys of the two groups; all others, and so a whole flat body, are ignored.

        Raises:
            RefusedError: a period outside of its range.
        """
        sent = _object(body, "body")
        indicators = self.indicators | _known(sent.get("indicators", {}), INDICATORS)
        signal = self.signal | _known(sent.get("signal", {}), SIGNAL)
        if not 5 <= indicators["rsi_period"] <= 50:
            raise RefusedError("rsi_period must be between 5 and 50")
        if not indicators["macd_fast"] < indicators["macd_slow"]:
            raise RefusedError("macd_fast must be less than macd_slow")
        if not 1 <= indicators["macd_signal"] <= 20:
            raise RefusedError("macd_signal must be between 1 and 20")
        self.indicators, self.signal = indicators, signal

    def put_interval(self, body: object) -> int:
        """How often the trader decides, minutes.

        Raises:
            RefusedError: no whole number of minutes, 1–1440.
        """
        minutes = _object(body, "body").get("interval_minutes")
        if not isinstance(minutes, int) or isinstance(minutes, bool) or not 1 <= minutes <= 1440:
            raise RefusedError("interval_minutes must be between 1 and 1440")
        self.trading.signal_interval_minutes = minutes
        return minutes

    def _obey(self) -> None:
        self.trading.max_positions = self.basic["max_positions"]
        self.trading.leverage = self.basic["default_leverage"]
        self.trading.position_size_pct = self.basic["default_position_size_pct"]


def _symbol_settings(symbol: str, raw: object) -> SymbolSettings:
    entry = _object(raw, symbol)
    if not isinstance(entry.get("enabled"), bool):
        raise RefusedError(f"{symbol}: missing field `enabled`")
    settings = SymbolSettings(enabled=entry["enabled"])
    for name in ("position_size_pct", "stop_loss_pct", "take_profit_pct"):
        if (value := entry.get(name)) is not None:
            settings = replace(settings, **{name: _like(f"{symbol}: {name}", value, 1.0)})
    for name, most in (("leverage", MOST_LEVERAGE), ("max_positions", 100)):
        if (value := entry.get(name)) is not None:
            if _like(f"{symbol}: {name}", value, 1) > most:
                raise RefusedError(f"{symbol}: {name} must be between 1 and {most}")
            settings = replace(settings, **{name: value})
    return settings


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RefusedError(f"{name} must be an object")
    return value


def _known(value: object, defaults: Mapping[str, Any]) -> dict[str, Any]:
    group = value if isinstance(value, dict) else {}
    return {
        k: v if isinstance(defaults[k], list) else _like(k, v, defaults[k]) for k, v in group.items() if k in defaults
    }


def _like(name: str, value: Any, default: Any) -> Any:  # noqa: ANN401 -- a generic would not survive dict[str, Any]
    """`value`, when it is of the kind of `default`: a flag, or a number above 0, whole where the default is."""
    if isinstance(default, bool):
        good = isinstance(value, bool)
    else:
        kinds = (int,) if isinstance(default, int) else (int, float)
        good = isinstance(value, kinds) and not isinstance(value, bool) and value > 0
    if not good:
        raise RefusedError(f"{name} has an invalid value")
    return float(value) if isinstance(default, float) else value
