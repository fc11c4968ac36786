"""Flows that a person starts to learn something: they change nothing of the bot by themselves."""
