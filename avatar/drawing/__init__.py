"""Avatars that the project draws itself, with their captions: the training data of the demo model."""
