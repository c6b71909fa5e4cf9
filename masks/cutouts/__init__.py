"""Predicted masks, clothing cut-outs, and the same clothing on other bodies."""
