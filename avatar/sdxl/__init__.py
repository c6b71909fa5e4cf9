"""Finding, loading and running SDXL: base, refiner, LoRAs, and batches of avatars."""
