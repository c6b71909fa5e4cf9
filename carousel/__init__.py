"""People fused into a scene: collages out of photos, a harmonisation model, and pictures made by it."""
