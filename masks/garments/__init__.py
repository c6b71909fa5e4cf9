"""Clothing split into garments: parts by colour and height, names, files."""
