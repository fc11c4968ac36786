"""TradeOps: the night desk of a crypto trading bot. This package is the product; it never imports Prefect."""
