"""Turns a person's features into a weighted prompt, and the prompt into text embeddings."""
