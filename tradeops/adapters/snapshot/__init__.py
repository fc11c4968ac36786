"""The latest performance in Redis, where other programs of the bot can read it."""

KEY = "tradeops:performance:latest"
