"""The perceptual loss: the distance between two pictures in the features of VGG16."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from common.imagenet.features import vgg16_stages
from common.imagenet.weights import PretrainedLayers, load_vgg16

STAGES = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")


class PerceptualLoss(nn.Module):
    """Mean absolute difference of two pictures in the features of VGG16's stages (Johnson et al. 2016).

    Attributes:
        weights: name of the loaded weights, for the record of a run.
    """

    def __init__(
        self, stages: Sequence[str] = ("relu1_2", "relu2_2", "relu3_3"), pretrained: PretrainedLayers | None = None
    ) -> None:
        """Load torchvision's weights if its cache has them, else those of the registry package.

        Args:
            stages: names out of STAGES whose features are compared.
            pretrained: layers to use instead.

        Raises:
            UserError: the weights are missing.
        """
        super().__init__()
        self.chosen = [STAGES.index(stage) for stage in stages]
        self.network = vgg16_stages(pretrained or load_vgg16(), count=max(self.chosen) + 1)
        self.weights = self.network.weights

    def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
        """Compute the loss, a scalar that is 0 for equal batches.

        Args:
            predicted: (B, 3, H, W) in the network's range (`norm`); gets gradients.
            target: same shape.
        """
        ours = self.network(predicted)
        with torch.no_grad():
            theirs = self.network(target)
        losses = [nn.functional.l1_loss(ours[stage], theirs[stage]) for stage in self.chosen]
        return torch.stack(losses).mean()
