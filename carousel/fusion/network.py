"""The fusion network: takes a scene and a person, and adapts the person's colours to the scene's light.

A ResNet encoder (He et al. 2016, arXiv:1512.03385) and a decoder of transformer blocks (Vaswani et al. 2017,
arXiv:1706.03762) or convolutions, with skip connections. It predicts a colour transform at each place, not colours, so
the transform can be applied at any resolution and a 4K picture keeps its detail (similar to HDRNet, Gharbi et al. 2017,
arXiv:1707.02880, and PCT-Net, Guerreiro et al. 2023).
"""

from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from carousel.fusion.light_estimate import COEFFICIENTS, PIVOT, LightEstimate
from carousel.fusion.light_statistics import light_statistics
from common.checkpoints import load_plain
from common.errors import UserError, check_range
from common.imagenet.normalisation import denorm, norm
from common.layers import Residual

Encoder = Literal["resnet18", "resnet34", "resnet50", "none"]
Decoder = Literal["transformer", "cnn"]
Head = Literal["affine", "colours"]

IN_CHANNELS = 6  # background RGB, avatar RGB
WIDTHS = (256, 192, 128)  # channels of the decoder at 1/32, 1/16 and 1/8 of the input's side
DEPTHS = (2, 2, 1)  # transformer blocks at each level
FOLD = 8  # the encoder's input is this many times as large as the head's output
HEAD_CHANNELS = 32  # channels of an attention head
WINDOW = 8  # side of the attention windows at the finest level, in places
SIZE_PX = 256  # default side of the input
SIZE_STEP_PX = 32  # sides of the input are multiples of it


class FusionNetwork(nn.Module):
    """Encoder, decoder, light estimate and composite.

    Attributes:
        settings: arguments of the constructor.
        size_px: side of the pictures that it is trained on and that it sees when it fuses.

    Args:
        encoder: torchvision's ResNet of this name; "none": no encoder and decoder, the light estimate alone.
        decoder: "transformer" or "cnn".
        head: "affine" predicts a colour transform at each eighth place of the encoder's input; "colours" predicts the
            colours.
        shrink: factor by which the encoder's input is reduced; light statistics are computed at full size.

    Raises:
        UserError: there is no encoder, and the head is not affine.
    """

    def __init__(self, encoder: Encoder, decoder: Decoder, head: Head, shrink: int) -> None:
        super().__init__()
        self.size_px = SIZE_PX
        self.settings: dict[str, Any] = {"encoder": encoder, "decoder": decoder, "head": head, "shrink": shrink}
        if encoder == "none":
            if head != "affine":
                raise UserError(f'setting HEAD is "{head}"; without an encoder it must be "affine"')
            self.light = LightEstimate()
            return
        self.encoder = ResNetEncoder(encoder)
        block = TransformerLevel if decoder == "transformer" else ConvolutionLevel
        self.entries = nn.ModuleList(
            nn.Conv2d(channels, width, 1) for channels, width in zip(self.encoder.channels[:0:-1], WIDTHS, strict=True)
        )
        self.levels = nn.ModuleList(block(width, depth) for width, depth in zip(WIDTHS, DEPTHS, strict=True))
        self.climbs = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairwise(WIDTHS))
        self.light = LightEstimate()
        if head != "affine":
            self.light.requires_grad_(False)  # unused; otherwise several devices would wait for its gradients
        self.local = nn.Conv2d(WIDTHS[-1], COEFFICIENTS if head == "affine" else 3 * (FOLD * shrink) ** 2, 1)
        nn.init.zeros_(self.local.weight)
        assert self.local.bias is not None
        nn.init.zeros_(self.local.bias)

    def forward(self, inputs: Tensor, mask: Tensor, fold: Tensor | None = None) -> Tensor:
        """Compute the composite.

        Args:
            inputs: (B, 6, S, S) float, background and avatar normalised by `common.imagenet.normalisation.norm`.
            mask: (B, 1, S, S) float in [0, 1].
            fold: see `LightEstimate.forward`; for training.

        Returns:
            (B, 3, S, S) float in the same range, not clipped; equal to the background where the mask is 0.
        """
        background, avatar = inputs[:, :3], denorm(inputs[:, 3:])
        transform = self.transform(inputs, mask, fold)
        if self.settings["head"] == "affine":
            transform = functional.interpolate(transform, avatar.shape[2:], mode="bilinear", align_corners=False)
            person = norm(apply_affine(transform, avatar))
        else:
            person = norm(avatar + functional.pixel_shuffle(transform, FOLD * self.settings["shrink"]))
        return torch.where(mask > 0, background + mask * (person - background), background)

    def transform(self, inputs: Tensor, mask: Tensor, fold: Tensor | None = None) -> Tensor:
        """Predict the transform: (B, 12, s / 8, s / 8) coefficients, or folded colour residuals.

        Without an encoder (B, 12, 1, 1), one transform for the whole person.
        """
        if self.settings["encoder"] == "none":
            return self.light(_statistics(inputs, mask), fold)[:, :, None, None]
        seen = functional.interpolate(inputs, scale_factor=1 / self.settings["shrink"], mode="area")
        features = self.encoder(seen)[::-1]
        x = self.levels[0](self.entries[0](features[0]))
        for number in range(1, len(self.levels)):
            x = functional.interpolate(self.climbs[number - 1](x), scale_factor=2.0, mode="nearest")
            x = self.levels[number](x + self.entries[number](features[number]))
        local = self.local(x)
        if self.settings["head"] != "affine":
            return local
        return local + self.light(_statistics(inputs, mask), fold)[:, :, None, None]


def _statistics(inputs: Tensor, mask: Tensor) -> Tensor:
    """Light statistics of the network's input."""
    return light_statistics(denorm(inputs[:, :3]), denorm(inputs[:, 3:]) * mask, mask)


def check_size(size_px: int, shrink: int) -> None:
    """Check that the network can halve the side five times.

    Raises:
        UserError: a setting is out of its range, or the side is not a multiple of 32 * shrink.
    """
    check_range("SIZE_PX", size_px, 64, 1024)
    check_range("SHRINK", shrink, 1, 4)
    if size_px % (SIZE_STEP_PX * shrink):
        raise UserError(f"setting SIZE_PX is {size_px}; it must be a multiple of {SIZE_STEP_PX * shrink}")


class ResNetEncoder(nn.Module):
    """torchvision's ResNet without its classifier; its first convolution takes six channels.

    Weights for three channels are widened by `widen`.
    """

    def __init__(self, name: Encoder) -> None:
        super().__init__()
        import torchvision

        net = getattr(torchvision.models, name)(weights=None)
        net.conv1 = nn.Conv2d(IN_CHANNELS, 64, 7, stride=2, padding=3, bias=False)
        self.stem = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool)
        self.stages = nn.ModuleList([net.layer1, net.layer2, net.layer3, net.layer4])
        expansion = 4 if name == "resnet50" else 1
        self.channels = tuple(expansion * width for width in (64, 128, 256, 512))

    def load_resnet(self, state: dict[str, Tensor]) -> None:
        """Load the tensors of a torchvision ResNet without classifier, its first convolution already widened."""
        own = {"stem.0": "conv1", "stem.1": "bn1", **{f"stages.{n}": f"layer{n + 1}" for n in range(4)}}
        names = [name for name in self.state_dict() if not name.endswith("num_batches_tracked")]
        # Files older than PyTorch 0.4.1 lack these counters of batches, which are not used here.
        self.load_state_dict({name: state[_rename(name, own)] for name in names}, strict=False)

    def forward(self, inputs: Tensor) -> list[Tensor]:
        """(B, 6, S, S) to features at 1/4, 1/8, 1/16 and 1/32 of the side."""
        x = self.stem(inputs)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


def load_imagenet(network: FusionNetwork) -> str:
    """Load torchvision's ImageNet weights into the encoder if torch.hub's cache has them.

    Returns:
        Name of the weights; "" if they are missing and the encoder stays random, or if there is no encoder.

    Raises:
        UserError: the file is damaged.
    """
    import torchvision

    if network.settings["encoder"] == "none":
        return ""
    weights = torchvision.models.get_model_weights(network.settings["encoder"]).DEFAULT
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
    if not path.is_file():
        return ""
    try:
        state = load_plain(path)
        state["conv1.weight"] = widen(state["conv1.weight"])
        resnet = {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}
        network.encoder.load_resnet(resnet)
    except Exception as error:  # torch's readers raise nearly anything on damaged files
        raise UserError(f"{path}: damaged; delete it, or download it again by torchvision") from error
    return path.name


def widen(weight: Tensor) -> Tensor:
    """Widen a convolution from three to six input channels: both pictures get the same weights, halved.

    Two equal pictures give the original output, so all later layers get the inputs that they were trained on.

    Args:
        weight: (W, 3, k, k).
    """
    return torch.cat([weight, weight], dim=1) / 2


class TransformerLevel(nn.Module):
    """Transformer blocks over the places of one scale, then a residual convolution."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(TransformerBlock(width) for _ in range(depth))
        self.refine = Residual(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, h, w) to the same."""
        for block in self.blocks:
            x = block(x)
        return self.refine(x)


class TransformerBlock(nn.Module):
    """Pre-norm self-attention and feed-forward layer (Xiong et al. 2020, arXiv:2002.04745).

    A depthwise convolution encodes positions (Chu et al. 2021, arXiv:2102.10882), so that any size works. Scales with
    more places than 4 windows attend within windows (Liu et al. 2021, arXiv:2103.14030).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // HEAD_CHANNELS
        self.position = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.before_attention = nn.LayerNorm(width)
        self.to_qkv = nn.Linear(width, 3 * width)
        self.from_attention = nn.Linear(width, width)
        self.before_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, h, w) to the same."""
        x = x + self.position(x)
        height, width = x.shape[2:]
        windowed = height * width > 4 * WINDOW * WINDOW and height % WINDOW == 0 and width % WINDOW == 0
        rows, columns = (height // WINDOW, width // WINDOW) if windowed else (1, 1)
        batch, channels = x.shape[:2]
        split = x.reshape(batch, channels, rows, height // rows, columns, width // columns)
        tokens = split.permute(0, 2, 4, 3, 5, 1).reshape(batch * rows * columns, -1, channels)
        tokens = tokens + self.attend(self.before_attention(tokens))
        tokens = tokens + self.mlp(self.before_mlp(tokens))
        split = tokens.reshape(batch, rows, columns, height // rows, width // columns, channels)
        return split.permute(0, 5, 1, 3, 2, 4).reshape(batch, channels, height, width)

    def attend(self, tokens: Tensor) -> Tensor:
        """Self-attention over (B, N, width)."""
        batch, count, width = tokens.shape
        qkv = self.to_qkv(tokens).reshape(batch, count, 3, self.heads, HEAD_CHANNELS).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
        return self.from_attention(mixed.transpose(1, 2).reshape(batch, count, width))


class ConvolutionLevel(nn.Sequential):
    """Residual convolution blocks over one scale: one more than the transformer level has blocks."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__(*(Residual(width) for _ in range(depth + 1)))


def _rename(name: str, prefixes: dict[str, str]) -> str:
    """Replace the beginning of a parameter's name."""
    prefix = next(prefix for prefix in prefixes if name.startswith(f"{prefix}."))
    return prefixes[prefix] + name[len(prefix) :]


def apply_affine(coefficients: Tensor, rgb: Tensor) -> Tensor:
    """Apply a colour transform at each pixel; coefficients of 0 change nothing.

    Args:
        coefficients: (B, 12, H, W), the difference from the 3 x 3 identity, row by row, and the offset.
        rgb: (B, 3, H, W) in [0, 1].
    """
    centred = rgb - PIVOT
    matrix, offset = coefficients[:, :9].unflatten(1, (3, 3)), coefficients[:, 9:]
    return rgb + offset + (matrix * centred[:, None]).sum(dim=2)
