"""Scenes and people that the project draws itself, with exact masks and clean backgrounds."""
