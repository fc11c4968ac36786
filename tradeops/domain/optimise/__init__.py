"""Chooses parameters on one part of the past and judges the choice on the next; says when it may be luck."""
