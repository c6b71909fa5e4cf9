"""What `python3 run.py` shows: the demo steps, the HTML page and the postcard."""
