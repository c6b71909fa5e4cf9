"""Removing the background of photos, drawings and generated avatars."""
