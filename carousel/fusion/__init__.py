"""The fusion model: network, training samples, losses, training and inference."""
