"""Gathers what the dashboard shows, from the store and, live, from the engine."""
