"""Incidents: what is worth a message, when, and which. Pure: no I/O, no clock.

`machine` counts looks into one incident's state, `folding` finds the root cause, `telling` decides what people hear of
a round, `records` is how it is kept.
"""
