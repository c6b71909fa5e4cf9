"""Publishing: the wardrobe and its rule for other programs, with test vectors, and the page that runs them."""
