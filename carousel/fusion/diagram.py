"""The fusion model as a table of layers and as a diagram."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import nn

from carousel.fusion.light_estimate import COEFFICIENTS
from carousel.fusion.light_statistics import COUNT
from carousel.fusion.network import FOLD, WIDTHS, FusionNetwork
from common.grids import CARD, GREY, INK, PAPER
from common.images import write_png
from common.lettering import label_font

WIDTH_PX, HEIGHT_PX = 1310, 780
ENCODER_COLOUR, DECODER_COLOUR, LIGHT_COLOUR = "#7b4fd0", "#1d8a74", "#e0803a"


@dataclass(frozen=True)
class LayerSummary:
    """A row of the table: name, output shape for one sample, number of parameters."""

    name: str
    shape: str
    parameters: int


def describe_layers(network: FusionNetwork, size_px: int) -> list[LayerSummary]:
    """List the layers in the order in which they run, for inputs of this side."""
    shapes: dict[str, str] = {}
    parts: dict[str, nn.Module] = {"light": network.light}
    if network.settings["encoder"] != "none":
        parts = {
            "encoder.stem": network.encoder.stem,
            **{f"encoder.stages.{n}": m for n, m in enumerate(network.encoder.stages)},
            **{
                f"{name}.{n}": m
                for name in ("entries", "climbs", "levels")
                for n, m in enumerate(getattr(network, name))
            },
            **parts,
            "local": network.local,
        }

    def note(name: str) -> Callable[[object, object, torch.Tensor], None]:
        def hook(_: object, __: object, out: torch.Tensor) -> None:
            shapes[name] = " x ".join(map(str, out.shape[1:]))

        return hook

    hooks = [part.register_forward_hook(note(name)) for name, part in parts.items()]
    with torch.inference_mode():
        network.eval()(torch.zeros(1, 6, size_px, size_px), torch.ones(1, 1, size_px, size_px))
    for hook in hooks:
        hook.remove()
    counts = {name: sum(parameter.numel() for parameter in part.parameters()) for name, part in parts.items()}
    return [LayerSummary(name, shape, counts[name]) for name, shape in shapes.items()]


def draw_diagram(network: FusionNetwork, layers: list[LayerSummary], path: Path) -> None:
    """Draw the data flow from the six input channels to the composite.

    Args:
        network: network whose settings are named.
        layers: result of `describe_layers`.
        path: target PNG.
    """
    by_name = {layer.name: layer for layer in layers}
    sheet = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), PAPER)
    draw = ImageDraw.Draw(sheet)
    choice = network.settings
    total = sum(layer.parameters for layer in layers)
    kinds = f"{choice['encoder']}, {choice['decoder']} decoder, {choice['head']}"
    if choice["encoder"] == "none":
        kinds = "the light estimate alone"
    title = f"Fusion model: {kinds}, {total / 1e6:.1f} M parameters"
    draw.text((40, 24), title, fill=INK, font=label_font(28, bold=True))
    note = "Shapes are channels x rows x columns. Outside the mask the background comes through bit for bit."
    draw.text((40, 68), note, fill=GREY, font=label_font(18))
    if choice["encoder"] == "none":
        _draw_light_alone(draw)
        write_png(path, sheet.crop((0, 0, WIDTH_PX, 330)))
        return
    rows = [150 + 150 * n for n in range(4)]
    stages = [f"encoder.stages.{n}" for n in range(4)]
    for y, name in zip(rows, stages, strict=True):
        _box(draw, (330, y, 600, y + 90), ENCODER_COLOUR, "ResNet stage", by_name[name].shape)
    for first, second in pairwise(rows):
        _arrow(draw, (465, first + 90), (465, second))
    _box(draw, (40, rows[0], 270, rows[0] + 90), GREY, "scene + person", "6 channels")
    _arrow(draw, (270, rows[0] + 45), (330, rows[0] + 45))
    _elbow(draw, [(155, rows[0]), (155, 125), (1165, 125), (1165, rows[0])])
    kind = "transformer" if choice["decoder"] == "transformer" else "convolutions"
    for number in range(len(WIDTHS)):
        y = rows[3 - number]
        _box(draw, (700, y, 970, y + 90), DECODER_COLOUR, kind, by_name[f"levels.{number}"].shape)
        _arrow(draw, (600, y + 45), (700, y + 45))
        if number:
            _arrow(draw, (835, rows[4 - number]), (835, y + 90))
    affine = choice["head"] == "affine"
    last = rows[1] + 45
    if affine:
        _arrow(draw, (155, rows[0] + 90), (155, rows[2]))
        _box(draw, (40, rows[2], 270, rows[2] + 90), LIGHT_COLOUR, "light statistics", f"{COUNT}")
        _elbow(draw, [(155, rows[2] + 90), (155, 730), (1010, 730), (1010, rows[2] + 45), (1060, rows[2] + 45)])
        _box(draw, (1060, rows[2], 1270, rows[2] + 90), LIGHT_COLOUR, "one transform", f"{COEFFICIENTS}")
        _elbow(draw, [(970, last + 20), (1030, last + 20), (1030, rows[2] + 20), (1060, rows[2] + 20)])
        _arrow(draw, (1165, rows[2]), (1165, rows[1] + 90))
    fold = f"{COEFFICIENTS} a place" if affine else f"3 a pixel, folded {FOLD * choice['shrink']}"
    _box(draw, (1060, rows[1], 1270, rows[1] + 90), DECODER_COLOUR, "transform" if affine else "colours", fold)
    _arrow(draw, (970, last), (1060, last))
    _box(draw, (1060, rows[0], 1270, rows[0] + 90), INK, "composite", "full resolution")
    _arrow(draw, (1165, rows[1]), (1165, rows[0] + 90))
    write_png(path, sheet)


def _draw_light_alone(draw: ImageDraw.ImageDraw) -> None:
    """Draw the flow without encoder and decoder."""
    steps = [
        ("scene + person", "6 channels", GREY),
        ("light statistics", f"{COUNT}", LIGHT_COLOUR),
        ("one transform", f"{COEFFICIENTS}", LIGHT_COLOUR),
        ("composite", "full resolution", INK),
    ]
    lefts = [40 + 330 * number for number in range(len(steps))]
    for left, (name, shape, colour) in zip(lefts, steps, strict=True):
        _box(draw, (left, 170, left + 230, 260), colour, name, shape)
    for left, right in pairwise(lefts):
        _arrow(draw, (left + 230, 215), (right, 215))
    _elbow(draw, [(lefts[0] + 115, 170), (lefts[0] + 115, 135), (lefts[3] + 115, 135), (lefts[3] + 115, 170)])


def _box(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], colour: str, name: str, shape: str) -> None:
    draw.rounded_rectangle(box, radius=14, fill=CARD, outline=colour, width=3)
    middle = (box[0] + box[2]) / 2
    draw.text((middle, box[1] + 32), name, fill=colour, font=label_font(20, bold=True), anchor="mm")
    draw.text((middle, box[1] + 62), shape, fill=INK, font=label_font(16), anchor="mm")


def _arrow(draw: ImageDraw.ImageDraw, start: tuple[int, int], end: tuple[int, int]) -> None:
    """A straight arrow along one axis."""
    draw.line((start, end), fill=GREY, width=3)
    along = (end[0] > start[0]) - (end[0] < start[0]), (end[1] > start[1]) - (end[1] < start[1])
    back = end[0] - 11 * along[0], end[1] - 11 * along[1]
    side = 7 * along[1], 7 * along[0]
    draw.polygon([end, (back[0] + side[0], back[1] + side[1]), (back[0] - side[0], back[1] - side[1])], fill=GREY)


def _elbow(draw: ImageDraw.ImageDraw, points: list[tuple[int, int]]) -> None:
    """An arrow along a polyline."""
    draw.line(points[:-1], fill=GREY, width=3, joint="curve")
    _arrow(draw, points[-2], points[-1])
