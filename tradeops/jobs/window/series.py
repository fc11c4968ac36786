"""Names of series whose own modules load what a dashboard never uses: numpy, drivers of brokers. A test compares."""

HEALTH = "health_checks"
PERFORMANCE = "performance_metrics"
COSTS = "api_cost_history"
PORTFOLIO = "portfolio_reports"
RETRAINS, ACCURACY, ROLLBACKS, TRAININGS = (
    "retrain_history",
    "model_accuracy_history",
    "model_rollbacks",
    "training_jobs",
)
WATCHES, PROMOTED, ROLLED_BACK = "model_watches", "model_promoted", "model_rolled_back"
BACKTESTS, BACKTEST_TRADES, SEARCHES = "backtest_results", "backtest_trades", "optimization_results"
BULK = "bulk_analyses"
