"""Rehearsals of a bad night."""
