"""Sprite sheets: layouts, grids, pairing, cutting and joining."""
