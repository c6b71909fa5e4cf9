"""Curves of a training run: a picture with every curve in it, in any state of a run."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from common.curves import LOSS_COLOURS, MEASURE_COLOUR, draw_curves
from common.grids import PAPER

LOSSES = ["L1", "masked L1", "perceptual"]
LABEL = "held-out gain, dB"


def history(count: int, measured_every: int) -> list[dict[str, float]]:
    entries = []
    for number in range(1, count + 1):
        entry = {"step": 100.0 * number, "L1": 1 / number, "masked L1": 2 / number, "perceptual": 4 / number}
        if measured_every and number % measured_every == 0:
            entry["gain"] = 0.1 * number
        entries.append(entry)
    return entries


def pixels_of(path: Path, colour: str) -> int:
    """How many pixels have just that colour."""
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return int((np.asarray(picture.convert("RGB")) == ImageColor.getrgb(colour)).all(axis=2).sum())


def draw(path: Path, count: int, measured_every: int, losses: list[str] | None = None) -> Path:
    draw_curves(
        history(count, measured_every), path, along="step", losses=losses or LOSSES, measure="gain", label=LABEL
    )
    return path


def test_every_loss_and_the_measure_are_drawn_in_their_colours(tmp_path: Path) -> None:
    path = draw(tmp_path / "sub folder/curves.png", 20, 5)
    with Image.open(path) as picture:
        assert picture.size == (1170, 546)
        corner = picture.convert("RGB").getpixel((2, 2))
    assert corner == ImageColor.getrgb(PAPER)
    for colour in (*LOSS_COLOURS, MEASURE_COLOUR):
        assert pixels_of(path, colour) > 200, colour
    assert [file.name for file in path.parent.iterdir()] == ["curves.png"]


def test_without_a_measure_there_is_no_second_axis(tmp_path: Path) -> None:
    path = draw(tmp_path / "curves.png", 20, 0, LOSSES[:2])
    assert pixels_of(path, MEASURE_COLOUR) == pixels_of(path, LOSS_COLOURS[2]) == 0
    assert pixels_of(path, LOSS_COLOURS[0]) > 200


@pytest.mark.parametrize("name", LOSS_COLOURS)
def test_a_run_with_one_entry_shows_its_points(tmp_path: Path, name: str) -> None:
    """The legend alone has about a hundred pixels of each colour."""
    one, legend = draw(tmp_path / "one.png", 1, 0), tmp_path / "legend.png"
    entries = [entry | dict.fromkeys(LOSSES, float("nan")) for entry in history(1, 0)]
    draw_curves(entries, legend, along="step", losses=LOSSES, measure="gain", label=LABEL)
    assert pixels_of(one, name) > pixels_of(legend, name) + 8


def test_a_measure_before_the_first_loss_is_drawn(tmp_path: Path) -> None:
    entries = [{"step": 0.0, "gain": 1.5}, *history(5, 1)]
    path = tmp_path / "curves.png"
    draw_curves(entries, path, along="step", losses=LOSSES, measure="gain", label=LABEL)
    assert pixels_of(path, MEASURE_COLOUR) > 200 and pixels_of(path, LOSS_COLOURS[0]) > 200


def test_an_old_picture_is_replaced(tmp_path: Path) -> None:
    path = draw(tmp_path / "curves.png", 3, 1)
    before = path.read_bytes()
    draw(path, 9, 1)
    assert path.read_bytes() != before
