"""Flows that decide about the bot's models and strategies."""
