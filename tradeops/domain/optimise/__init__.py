"""Chooses parameters on one part of the past and judges them on the next. Helper 7c builds this; pure."""
