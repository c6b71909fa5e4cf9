"""The kinds of drawn scenes; each paints a festival without people and defines the light."""

from collections.abc import Callable

import numpy as np

from carousel.drawing.canvas import Canvas
from carousel.drawing.concerts import club, forest, main_stage, rain
from carousel.drawing.outdoors import balloons, beach, lanterns, meadow
from carousel.drawing.scene_building import SceneBuilder
from carousel.drawing.towns import fairground, food_trucks, market, rooftop, winter_market

KINDS: dict[str, Callable[[np.random.Generator, Canvas], SceneBuilder]] = {
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
