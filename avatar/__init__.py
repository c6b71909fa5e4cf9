"""A photo and a taste become an avatar."""
