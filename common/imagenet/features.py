"""Features of networks trained on ImageNet, and the LPIPS distance."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from common.imagenet.weights import PretrainedLayers, load_alexnet

VGG16_WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class FrozenStages(nn.Module):
    """Consecutive parts of a frozen network; the output of each is a feature map.

    Attributes:
        weights: name of the loaded weights.
    """

    def __init__(self, stages: Sequence[nn.Module], pretrained: PretrainedLayers) -> None:
        super().__init__()
        self.weights = pretrained.name
        self.stages = nn.ModuleList(stages)
        layers = [module for module in self.modules() if isinstance(module, nn.Conv2d)]
        for layer, (kernel, bias) in zip(layers, pretrained.convolutions[: len(layers)], strict=True):
            if layer.weight.shape != kernel.shape:
                raise ValueError(f"{pretrained.name}: {tuple(kernel.shape)} instead of {tuple(layer.weight.shape)}")
            layer.weight.data, layer.bias.data = kernel.clone(), bias.clone()  # type: ignore[union-attr]
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> list[Tensor]:
        """Compute the feature maps of all stages, for (B, 3, H, W) in the network's range."""
        features = []
        for stage in self.stages:
            images = stage(images)
            features.append(images)
        return features


def vgg16_stages(pretrained: PretrainedLayers, count: int = 5) -> FrozenStages:
    """The first stages of VGG16; the outputs are relu1_2, relu2_2, relu3_3, relu4_3, relu5_3."""
    stages: list[nn.Module] = []
    channels = 3
    for widths in VGG16_WIDTHS[:count]:
        layers: list[nn.Module] = [nn.MaxPool2d(2)] if stages else []
        for width in widths:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        stages.append(nn.Sequential(*layers))
    return FrozenStages(stages, pretrained)


def alexnet_stages(pretrained: PretrainedLayers) -> FrozenStages:
    """AlexNet; the outputs are its five relus."""
    stages = [
        nn.Sequential(nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU()),
        nn.Sequential(nn.MaxPool2d(3, stride=2), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU()),
        nn.Sequential(nn.MaxPool2d(3, stride=2), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
    ]
    return FrozenStages(stages, pretrained)


class Lpips(nn.Module):
    """Learned perceptual image patch similarity, version 0.1 on AlexNet (Zhang et al. 2018); 0 for equal pictures.

    Attributes:
        weights: name of the loaded weights.
    """

    def __init__(self, pretrained: PretrainedLayers | None = None) -> None:
        """Load the given layers; None: the file of the registry package.

        Raises:
            UserError: the file is missing.
        """
        super().__init__()
        pretrained = pretrained or load_alexnet()
        self.weights = pretrained.name
        self.backbone = alexnet_stages(pretrained)
        self.heads = nn.ParameterList(nn.Parameter(head, requires_grad=False) for head in pretrained.heads)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Compute the distances (B,) between two batches in the network's range.

        Args:
            first: (B, 3, H, W), H and W at least 31 px.
            second: same shape, or (1, 3, H, W) to compare all with one picture.
        """
        distances = [
            torch.einsum("bchw,c->bhw", (_unit(ours) - _unit(theirs)) ** 2, head).mean(dim=(1, 2))
            for ours, theirs, head in zip(self.backbone(first), self.backbone(second), self.heads, strict=True)
        ]
        return torch.stack(distances).sum(dim=0)


def _unit(features: Tensor) -> Tensor:
    """Scale each pixel's features to length 1."""
    return features / (features.norm(dim=1, keepdim=True) + 1e-10)
