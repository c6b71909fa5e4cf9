"""Proposing masks and correcting them in a window."""
