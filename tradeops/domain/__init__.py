"""The decisions: pure functions on frozen values."""
