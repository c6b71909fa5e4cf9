"""Training of the reader of avatars."""
