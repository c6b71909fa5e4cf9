"""PET: music tastes choose accessories, and a pet wears them."""
