"""Finding people in photos and cutting them out."""
