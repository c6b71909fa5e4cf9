"""The person of an avatar: faces, features and tastes, from photos, JSON files and tables."""
