"""What the dashboard shows: read models and the arithmetic behind them. Pure; nothing here changes anything."""
