"""MASKS: which pixels of a clothed sprite are clothing."""
