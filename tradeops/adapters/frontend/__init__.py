"""The bot's web frontend: all we ask is whether its page is there."""
