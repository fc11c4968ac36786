"""Looks at many symbols at once: what the newest closed candle of each says."""
