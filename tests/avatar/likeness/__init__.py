"""Tests of the figure and of the choice among candidates."""
