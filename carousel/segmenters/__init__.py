"""Segmenters: finding people in photos."""
