"""Training the small classifiers of appearance on portraits, over which code paints what few of them wear."""
