"""Drawing pets: layers, charts, contact sheets."""
