"""Who is drawn: faces, features and tastes, from photos, JSON files and tables."""
