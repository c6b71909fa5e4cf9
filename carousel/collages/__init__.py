"""Making collages [ground truth | clean background | avatar | mask] from photos."""
