"""Backtests, optimisations and bulk analyses, and how they are kept."""
