"""The bot engine: envelopes, two portfolio shapes, trades without order, candles newest first."""
