"""Switching off what loses too much, proving it, and letting it trade again."""
