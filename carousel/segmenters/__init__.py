"""The segmenters that a setting can name."""
