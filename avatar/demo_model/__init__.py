"""The small SDXL that ships: its networks and its training on drawn avatars."""
