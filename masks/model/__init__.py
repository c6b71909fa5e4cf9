"""The mask model: U-Net, training, inference, metrics, and thresholds to compare with."""
