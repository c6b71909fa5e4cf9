"""Step 3: look at the fusion model: its layers as a table, its structure as a diagram.

    from carousel.Model import build_model, load_model

Reads   nothing, or a checkpoint
Writes  outputs/carousel/Model.png
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from common.files import check_output
from common.paths import OUTPUTS, shown
from common.runner import Report, run

if TYPE_CHECKING:
    import torch

    from carousel.fusion.network import Decoder, Encoder, FusionNetwork, Head

# ---- settings: edit here, or override once on the command line (--encoder resnet18) ----
ENCODER: Literal["resnet18", "resnet34", "resnet50", "none"] = "resnet50"  # ResNet; "none": light estimate alone
DECODER: Literal["transformer", "cnn"] = "transformer"  # transformer blocks, or plain convolutions
HEAD: Literal["affine", "colours"] = "affine"  # a colour transform at each place, or the colours themselves
SHRINK = 1  # whole factor by which the encoder sees its input smaller
SIZE_PX = 256  # side of the pictures that the table is for
CHECKPOINT: Path | None = None  # describe the network of this file instead
OUTPUT = OUTPUTS / "carousel/Model.png"  # the diagram


def build_model(
    encoder: "Encoder" = ENCODER, decoder: "Decoder" = DECODER, head: "Head" = HEAD, shrink: int = SHRINK
) -> "FusionNetwork":
    """A network with random weights; with ImageNet's in its encoder where torchvision's cache has them."""
    from carousel.fusion.network import FusionNetwork, load_imagenet

    network = FusionNetwork(encoder, decoder, head, shrink)
    load_imagenet(network)
    return network


def load_model(path: Path | str) -> "tuple[FusionNetwork, torch.device]":
    """The network of a checkpoint, ready to fuse, and its device; see `carousel.fusion.inference.load_model`."""
    from carousel.fusion import inference

    return inference.load_model(path)


def main(
    encoder: Literal["resnet18", "resnet34", "resnet50", "none"] = ENCODER,
    decoder: Literal["transformer", "cnn"] = DECODER,
    head: Literal["affine", "colours"] = HEAD,
    shrink: int = SHRINK,
    size_px: int = SIZE_PX,
    checkpoint: Path | None = CHECKPOINT,
    output: Path = OUTPUT,
) -> Report:
    """Print the table and draw the diagram."""
    check_output(output, [".png"])
    from carousel.fusion.checkpoint_format import find_checkpoint, network_of, read_checkpoint
    from carousel.fusion.diagram import describe_layers, draw_diagram
    from carousel.fusion.network import check_size

    check_size(size_px, shrink)
    path = find_checkpoint(checkpoint) if checkpoint else None
    network = network_of(read_checkpoint(path), path) if path else build_model(encoder, decoder, head, shrink)
    check_size(size_px, network.settings["shrink"])
    rows = describe_layers(network, size_px)
    for row in rows:
        print(f"{row.name:<26}{row.shape:>18}{row.parameters:>14,}")
    total = sum(row.parameters for row in rows)
    print(f"{'all':<26}{'':>18}{total:>14,}")
    draw_diagram(network, rows, output)
    print(f"written: {shown(output)}")
    figures = {"parameters": total, **network.settings}
    return Report(output, [path] if path else [], figures, weights=[str(path)] if path else [])


if __name__ == "__main__":
    run(main)
