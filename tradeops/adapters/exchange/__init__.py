"""The exchange's public market data, Binance's REST dialect: no key, numbers in strings."""
