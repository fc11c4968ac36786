"""Looks at what the bot stands on, read only: one module for each outside system, one question for each."""
