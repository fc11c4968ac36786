"""What a strategy would have earned, by stated conventions; see docs/backtesting.md."""
