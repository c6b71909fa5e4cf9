"""What makes an avatar look like its person: the figure that generation starts from, and the best of several tries."""
