"""Answers as the contract sheet of the outside systems has them, whole."""

from typing import Any

STAMP = "2025-11-26T08:00:00.123456789Z"

PORTFOLIO: dict[str, Any] = {
    "total_trades": 48,
    "win_rate": 58.33,
    "total_pnl": 412.7,
    "total_pnl_percentage": 4.127,
    "max_drawdown": 188.4,
    "max_drawdown_percentage": 1.83,
    "sharpe_ratio": 0.21,
    "profit_factor": 1.62,
    "average_win": 31.5,
    "average_loss": 19.4,
    "largest_win": 96.0,
    "largest_loss": 71.2,
    "current_balance": 10391.2,
    "equity": 10412.7,
    "margin_used": 640.0,
    "free_margin": 9772.7,
}

FLAT_PORTFOLIO: dict[str, Any] = {
    "balance": 10391.2,
    "total_return_percent": 4.127,
    "win_rate": 58.33,
    "winning_trades": 28,
    "losing_trades": 20,
    "average_profit_per_trade": 0.9,
    "strategy_breakdown": {},
}

TRADE: dict[str, Any] = {
    "id": "6f1c",
    "symbol": "ETHUSDT",
    "trade_type": "Long",
    "status": "Closed",
    "entry_price": 2950.1,
    "exit_price": 3010.4,
    "quantity": 0.34,
    "leverage": 10,
    "stop_loss": 2891.1,
    "take_profit": 3068.1,
    "pnl": 19.69,
    "pnl_percentage": 2.01,
    "duration_ms": 5400000,
    "open_time": "2025-11-25T10:15:00.1Z",
    "close_time": "2025-11-25T11:45:00.1Z",
}

AI_HEALTH: dict[str, Any] = {
    "status": "healthy",
    "mongodb_connected": True,
    "gpt4_available": True,
    "api_key_configured": True,
}

COSTS: dict[str, Any] = {
    "session_statistics": {
        "total_requests": 120,
        "total_input_tokens": 210000,
        "total_output_tokens": 42000,
        "total_tokens": 252000,
        "total_cost_usd": 0.0567,
        "total_cost_vnd": 1304.0,
        "average_cost_per_request_usd": 0.00047,
        "average_tokens_per_request": 2100.0,
    },
    "projections": {
        "estimated_daily_cost_usd": 1.361,
        "estimated_daily_cost_vnd": 31298.0,
        "estimated_monthly_cost_usd": 40.82,
        "estimated_monthly_cost_vnd": 938952.0,
    },
    "configuration": {
        "model": "gpt-4o-mini",
        "analysis_interval_minutes": 2,
        "symbols_tracked": 4,
        "input_cost_per_1m_tokens": 0.15,
        "output_cost_per_1m_tokens": 0.6,
    },
    "optimization_status": {"estimated_savings_percent": 63},
    "timestamp": "2025-11-26T09:00:00+00:00",
}

OPENAPI: dict[str, Any] = {"openapi": "3.1.0", "paths": {"/health": {"get": {}}, "/ai/train": {"post": {}, "get": {}}}}

TICKER: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "priceChange": "-410.20",
    "priceChangePercent": "-0.450",
    "weightedAvgPrice": "90200.1",
    "lastPrice": "90311.00000000",
    "highPrice": "91000.0",
    "lowPrice": "89000.0",
    "volume": "18210.5",
    "quoteVolume": "1642000000.12",
    "openTime": 1764057600000,
    "closeTime": 1764144000000,
    "count": 123456,
}

MODELS: dict[str, Any] = {
    "object": "list",
    "data": [
        {"id": "gpt-4o-mini", "object": "model", "created": 1721172741, "owned_by": "system"},
        {"id": "other", "object": "model"},
    ],
}
