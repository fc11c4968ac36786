"""Gathers what the dashboard shows, from the store and, live, from the engine."""

from tradeops.jobs.window.sources import Sources
from tradeops.jobs.window.window import Window

__all__ = ["Sources", "Window"]
