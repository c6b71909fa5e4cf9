"""Networks trained on ImageNet: their published layers, features, and distances between pictures."""
