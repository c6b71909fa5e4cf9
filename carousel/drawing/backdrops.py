"""The kinds of drawn scenes; each paints a festival without people and defines the light."""

from carousel.drawing.concerts import club, forest, main_stage, rain
from carousel.drawing.outdoors import balloons, beach, lanterns, meadow
from carousel.drawing.towns import fairground, food_trucks, market, rooftop, winter_market

KINDS = {
    scene.__name__: scene
    for scene in (
        *(main_stage, meadow, food_trucks, beach, forest, market, club, fairground, rain),
        *(winter_market, balloons, lanterns, rooftop),
    )
}
