"""Sets of frames and masks on disk: naming convention, reading, archiving."""
