"""The bot's strategies as pure functions of closed candles: indicators, rules, combinations of signals."""
