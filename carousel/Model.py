# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "accelerate>=1.15",
#     "matplotlib>=3.11",
#     "numpy>=2.1",
#     "onnxruntime>=1.24",
#     "opencv-python-headless>=4.14,<5",
#     "pillow-heif>=1.1",
#     "pillow>=12.1",
#     "re-live",
#     "scikit-image>=0.26",
#     "torch>=2.11",
#     "torchvision>=0.26",
#     "tqdm>=4.67",
#     "tyro>=1.0",
# ]
#
# [tool.uv.sources]
# re-live = { path = "..", editable = true }
# ///
"""Step 3: show the fusion model: its layers as a table, its structure as a diagram.

    from carousel.Model import build_model, load_model

Reads   nothing, or a checkpoint
Writes  outputs/carousel/Model.png
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from common.files import check_output
from common.paths import OUTPUTS, shown
from common.runner import Range, Report, run

if TYPE_CHECKING:
    import torch

    from carousel.fusion.network import Decoder, Encoder, FusionNetwork, Head

# ---- settings: edit here, or override once on the command line (--encoder resnet18) ----
ENCODER: Literal["resnet18", "resnet34", "resnet50", "none"] = "resnet50"  # ResNet; "none": the light estimate alone
DECODER: Literal["transformer", "cnn"] = "transformer"  # transformer blocks, or plain convolutions
HEAD: Literal["affine", "colours"] = "affine"  # predicts a colour transform at each place, or the colours themselves
SHRINK: Annotated[int, Range(1, 4)] = 1  # factor by which the encoder's input is reduced
SIZE_PX: Annotated[int, Range(64, 1024)] = 256  # side of the input in the table, a multiple of 32 * SHRINK
CHECKPOINT: Path | None = None  # describes the network of this file instead
OUTPUT: Path = OUTPUTS / "carousel/Model.png"  # the diagram


def build_model(
    encoder: "Encoder" = ENCODER, decoder: "Decoder" = DECODER, head: "Head" = HEAD, shrink: int = SHRINK
) -> "FusionNetwork":
    """Build a network with random weights, or ImageNet's in its encoder where torchvision's cache has them."""
    from carousel.fusion.network import FusionNetwork, load_imagenet

    network = FusionNetwork(encoder, decoder, head, shrink)
    load_imagenet(network)
    return network


def load_model(path: Path | str) -> "tuple[FusionNetwork, torch.device]":
    """Load the network of a checkpoint and its device; see `carousel.fusion.inference.load_model`."""
    from carousel.fusion import inference

    return inference.load_model(path)


def main() -> Report:
    """Print the table and draw the diagram."""
    check_output(OUTPUT, [".png"])
    from carousel.fusion.checkpoint_format import find_checkpoint, network_of, read_checkpoint
    from carousel.fusion.diagram import describe_layers, draw_diagram
    from carousel.fusion.network import check_size

    check_size(SIZE_PX, shrink=SHRINK)
    path = find_checkpoint(CHECKPOINT) if CHECKPOINT else None
    network = (
        network_of(read_checkpoint(path), path)
        if path
        else build_model(ENCODER, decoder=DECODER, head=HEAD, shrink=SHRINK)
    )
    check_size(SIZE_PX, network.settings["shrink"])
    rows = describe_layers(network, size_px=SIZE_PX)
    for row in rows:
        print(f"{row.name:<26}{row.shape:>18}{row.parameters:>14,}")
    total = sum(row.parameters for row in rows)
    print(f"{'all':<26}{'':>18}{total:>14,}")
    draw_diagram(network, rows, path=OUTPUT)
    print(f"written: {shown(OUTPUT)}")
    figures = {"parameters": total, **network.settings}
    return Report(OUTPUT, [path] if path else [], figures, weights=[str(path)] if path else [])


if __name__ == "__main__":
    run(main)
