"""Finds, loads and runs SDXL: base, refiner, LoRAs, and batches of avatars."""
