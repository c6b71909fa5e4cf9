"""Training a LoRA from a folder of pictures with captions."""
