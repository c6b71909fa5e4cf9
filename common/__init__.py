"""What two or more parts of Re:Live share."""
