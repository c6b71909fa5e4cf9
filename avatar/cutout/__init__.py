"""Removes the background of photos, drawings and generated avatars, and crops squares."""
