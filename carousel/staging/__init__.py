"""Putting people into a scene at full resolution: placement, compositing, shadows, overview pictures."""
