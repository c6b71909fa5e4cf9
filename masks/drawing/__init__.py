"""Sprites that the project draws itself: sample characters and random training figures."""
