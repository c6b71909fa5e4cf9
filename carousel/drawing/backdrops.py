"""The kinds of drawn scenes: each paints a festival without its people and says what light falls there."""

from collections.abc import Callable

import numpy as np

from carousel.drawing.canvas import Canvas
from carousel.drawing.concerts import club, forest, main_stage, rain
from carousel.drawing.outdoors import balloons, beach, lanterns, meadow
from carousel.drawing.settings import Setting
from carousel.drawing.towns import fairground, food_trucks, market, rooftop, winter_market

KINDS: dict[str, Callable[[np.random.Generator, Canvas], Setting]] = {
    "main_stage": main_stage,
    "meadow": meadow,
    "food_trucks": food_trucks,
    "beach": beach,
    "forest": forest,
    "market": market,
    "club": club,
    "fairground": fairground,
    "rain": rain,
    "winter_market": winter_market,
    "balloons": balloons,
    "lanterns": lanterns,
    "rooftop": rooftop,
}
