"""The chart beside a pet: bars as long as the numbers, and texts that nothing breaks."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageColor

from common.genres import GENRES
from common.grids import PAPER
from pet.choosing.choice_table import Choice, Worn
from pet.choosing.wardrobe import SLOTS, load_bodies, load_wardrobe
from pet.drawing.charts import SLOT_COLOURS, TASTE_COLOUR, ChartPainter, beside, set_parts
from pet.drawing.compositing import Dresser
from tests.pet.drawing.test_compositing import assert_like_golden


def vector(**weights: float) -> NDArray[np.float64]:
    return np.array([weights.get(genre, 0.0) for genre in GENRES])


def choice(user: str = "Júlia", taste: NDArray[np.float64] | None = None, **vectors: NDArray[np.float64]) -> Choice:
    worn = {slot: Worn(f"{slot} piece", 0.5, 1, vectors.get(slot, vector(pop=1))) for slot in SLOTS}
    return Choice(user, vector(rock=0.8, jazz=0.4) if taste is None else taste, 0.9, worn)


def bar_lengths(chart: Image.Image, colour: str) -> list[int]:
    """Lengths in px of the bars of a colour, from the chart's pixels, top to bottom; no bar for 0."""
    pixels = np.asarray(chart, np.int16)
    pixels = pixels[round(chart.height * 0.13) : round(chart.height * 0.83), round(chart.width * 0.213) :]  # the axes
    lengths = (np.abs(pixels - ImageColor.getrgb(colour)).max(axis=-1) < 12).sum(axis=1)
    borders = np.flatnonzero(np.diff(lengths > 2, prepend=False, append=False))
    return [int(lengths[start:stop].max()) for start, stop in borders.reshape(-1, 2)]


# ---- the numbers ----


def test_the_parts_of_a_set_add_up_to_the_length_of_the_taste() -> None:
    one = choice(
        taste=vector(rock=0.6, pop=0.8), Head=vector(rock=1, metal=0.5), Torso=vector(pop=1), Face=vector(jazz=1)
    )
    total = np.sum(list(set_parts(one).values()), axis=0)
    assert np.linalg.norm(total) == pytest.approx(1.0)
    raw = np.sum([worn.vector for worn in one.worn.values()], axis=0)
    assert total / np.linalg.norm(total) == pytest.approx(raw / np.linalg.norm(raw))


def test_a_set_that_fits_perfectly_ends_where_the_taste_ends() -> None:
    taste = vector(rock=0.9, jazz=0.3, pop=0.6)
    one = choice(taste=taste, Head=vector(rock=0.3), Torso=vector(jazz=0.1), Face=vector(pop=0.2))
    assert np.sum(list(set_parts(one).values()), axis=0) == pytest.approx(taste)


@pytest.mark.parametrize("nothing", ["taste", "set"])
def test_nothing_has_parts_of_nothing(nothing: str) -> None:
    zero = vector()
    one = choice(taste=zero) if nothing == "taste" else choice(Head=zero, Torso=zero, Face=zero)
    assert all((part == 0).all() for part in set_parts(one).values())
    assert ChartPainter(200).paint(one).size == (260, 200)


# ---- the picture ----


def test_bars_are_as_long_as_the_numbers() -> None:
    chart = ChartPainter(512).paint(choice(taste=vector(pop=1.0, rock=0.75, metal=0.5, world=0.25)))
    found = bar_lengths(chart, TASTE_COLOUR)
    assert found == pytest.approx([value * found[0] for value in (1, 0.75, 0.5, 0.25)], abs=3)
    assert found[0] > 0.4 * chart.width


def test_each_accessory_s_part_has_its_colour_and_its_length() -> None:
    one = choice(taste=vector(rock=1.0), Head=vector(rock=1), Torso=vector(jazz=1), Face=vector(rock=1, folk=0.5))
    chart, parts = ChartPainter(512).paint(one), set_parts(one)
    (full,) = bar_lengths(chart, TASTE_COLOUR)
    for slot, colour in SLOT_COLOURS.items():
        assert bar_lengths(chart, colour) == pytest.approx([value * full for value in parts[slot] if value], abs=3)


def test_values_above_1_stay_in_the_picture() -> None:
    chart = ChartPainter(400).paint(choice(taste=vector(pop=4.0, rock=2.0)))
    pop, rock = bar_lengths(chart, TASTE_COLOUR)
    assert rock == pytest.approx(pop / 2, abs=3)
    assert pop < 0.76 * chart.width


def test_a_painter_keeps_no_trace_of_the_chart_before() -> None:
    random = np.random.default_rng(1)
    people = [
        choice(f"user {i}", random.random(len(GENRES)), **{slot: random.random(len(GENRES)) for slot in SLOTS})
        for i in range(3)
    ]
    painter = ChartPainter(200)
    first = [painter.paint(person).tobytes() for person in people]
    fresh = [ChartPainter(200).paint(person).tobytes() for person in people]
    backwards = [painter.paint(person).tobytes() for person in reversed(people)][::-1]
    assert first == fresh == backwards
    assert len(set(first)) == 3


NAMES = [
    "$x$",
    "$\\frac{",
    "x" * 300,
    "W" * 60,
    "Júlia " * 12,
    "two\nlines",
    "🎸👩‍🎤",
    "日本語" * 20,
    "_",
    "%d {0} \\n",
    "\t",
]


@pytest.mark.parametrize("name", [*NAMES, "a&b<c>", "ﷺ" * 40], ids=lambda name: ascii(name)[1:20])
def test_no_name_breaks_the_chart_or_covers_anything_else(name: str) -> None:
    """Only the title's place differs from the chart of somebody else: not the score right of it, nor the rest."""
    other = np.asarray(ChartPainter(200).paint(choice("x")))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chart = np.asarray(ChartPainter(200).paint(choice(name)))
    assert (chart[26:] == other[26:]).all()
    assert (chart[:, 214:] == other[:, 214:]).all()
    assert (chart[:, :3] == ImageColor.getrgb(PAPER)).all()


@pytest.mark.parametrize("height_px", [64, 128, 512, 1000])
def test_a_chart_has_the_height_that_was_asked_for(height_px: int) -> None:
    chart = ChartPainter(height_px).paint(choice())
    assert chart.mode == "RGB"
    assert chart.size == pytest.approx((1.3 * height_px, height_px), abs=1)


def test_beside_puts_the_pet_on_paper_left_of_the_chart() -> None:
    pet = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    pet.paste((255, 0, 0, 255), (10, 10, 30, 30))
    chart = Image.new("RGB", (52, 40), (0, 0, 255))
    card = beside(pet, chart)
    assert (card.mode, card.size) == ("RGB", (92, 40))
    assert card.getpixel((2, 2)) == ImageColor.getrgb(PAPER)
    assert card.getpixel((20, 20)) == (255, 0, 0) and card.getpixel((45, 20)) == (0, 0, 255)


def test_a_card_looks_as_it_did(tmp_path: Path) -> None:
    wardrobe = load_wardrobe()
    pieces = {"Head": "Porkpie hat", "Torso": "Saxophone", "Face": "Jazz shades"}
    worn = {slot: Worn(name, 0.8, 1, wardrobe.find(name).vector) for slot, name in pieces.items()}
    one = Choice("Pau, jazz fan", vector(jazz=1, soul=0.7, classical=0.5, pop=0.25), 0.93, worn)
    pet = Dresser(256).dress(load_bodies()["Bear"], {slot: wardrobe.find(name).file for slot, name in pieces.items()})
    assert_like_golden(beside(pet, ChartPainter(256).paint(one)), "card.png", tmp_path)
