"""Choosing accessories for a taste: the wardrobe, cosine matching, the table of choices."""
