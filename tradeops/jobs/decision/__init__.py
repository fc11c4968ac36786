"""The nightly decision: evidence, votes, gate, and what is kept of it."""
