"""Flows that watch the bot and report on it."""
