"""The drawn characters: outlines, walk, painting, and masks that are the truth."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.outlines import Outline, box, coverage, curve, ellipse, hull, mirrored, moved, polygon, stroke
from masks.drawing import garments
from masks.drawing.characters import (
    IRIS,
    NIL,
    OTHER_BODY,
    ROC,
    SETS,
    SHEET_CHARACTER,
    SOL,
    ArtStyle,
    Character,
    draw_frame,
    draw_sheets,
    layers_of,
    paint,
)
from masks.drawing.palettes import BLUSHES, CLOTHS, EYES, HAIRS, SKINS, UNDERWEAR, Ramp
from masks.drawing.pixel_style import PixelCanvas
from masks.drawing.smooth_style import SIDE, blurred
from masks.drawing.sprite_layers import TO_LIGHT, FrameLight, Pattern, SpriteLayer, light_on
from masks.drawing.walk_cycle import CELL, GROUND, MIDDLE, PHASES, VIEWS, BodyShape, View, pose
from masks.sets.pixel_art import shifted

coordinates = st.floats(1, 15).map(lambda value: round(value, 2))
circles = st.lists(st.tuples(coordinates, coordinates, st.floats(0.5, 4)), min_size=1, max_size=4)
bodies = st.builds(
    BodyShape,
    leg=st.floats(11, 16),
    torso=st.floats(8, 12),
    arm=st.floats(10, 13),
    girth=st.floats(0.9, 1.2),
    head=st.floats(0.9, 1.1),
)

CAST = tuple({character.name: character for drawn in SETS.values() for character in drawn.characters}.values())


# ---- outlines ----


def naive_inside(outline: Outline, x: float, y: float) -> bool:
    """Whether the outline winds around a point: the sum of the angles under which its edges are seen."""
    angles = [math.atan2(py - y, px - x) for px, py in outline]
    steps = [(b - a + math.pi) % (2 * math.pi) - math.pi for a, b in zip(angles, angles[1:] + angles[:1], strict=True)]
    return round(sum(steps) / (2 * math.pi)) != 0


@given(st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=7))
@settings(max_examples=40, deadline=None)
def test_coverage_is_the_naive_winding_test_at_every_sample(points: list[tuple[float, float]]) -> None:
    outline = polygon([(x + 0.003, y + 0.004) for x, y in points])  # off the samples, where both may differ
    found = coverage([outline], 16, 1, 2)
    for row in range(0, 16, 3):
        for column in range(16):
            samples = [(column + dx, row + dy) for dx in (0.25, 0.75) for dy in (0.25, 0.75)]
            assert found[row, column] == sum(naive_inside(outline, *sample) for sample in samples)


@pytest.mark.parametrize(("scale", "samples"), [(1, 8), (4, 2), (8, 4)])
def test_coverage_of_a_box_is_its_area(scale: int, samples: int) -> None:
    covered = coverage([box(3, 4, 5.5, 2)], 16, scale, samples)
    assert covered.shape == (16 * scale, 16 * scale)
    assert covered.sum() == 5.5 * 2 * scale**2 * samples**2
    assert (covered[4 * scale : 6 * scale, 3 * scale : 8 * scale] == samples**2).all()


def test_coverage_is_a_union_less_what_is_cut_and_ends_at_the_canvas() -> None:
    left, right, hole = box(-3, 2, 6, 4), box(2, 2, 20, 4), box(5, 3, 2, 2)
    covered = coverage([left, right], 16, 1, 4, [hole]) / 16
    expected = np.zeros((16, 16))
    expected[2:6] = 1
    expected[3:5, 5:7] = 0
    assert np.array_equal(covered, expected)
    assert not coverage([box(20, 20, 3, 3)], 16, 1, 4).any()


@given(circles)
@settings(deadline=None)
def test_a_hull_goes_around_its_circles_and_is_convex(given_circles: list[tuple[float, float, float]]) -> None:
    outline = hull(*given_circles)
    for x, y, radius in given_circles:
        for step in range(0, 360, 30):  # 64 corners cut a little off between distant circles
            angle, within = math.radians(step), radius - 0.3
            assert naive_inside(outline, x + within * math.cos(angle), y + within * math.sin(angle))
    (left, top), (right, low) = outline.min(axis=0), outline.max(axis=0)
    assert left == pytest.approx(min(x - radius for x, _, radius in given_circles))
    assert right == pytest.approx(max(x + radius for x, _, radius in given_circles))
    assert top == pytest.approx(min(y - radius for _, y, radius in given_circles))
    assert low == pytest.approx(max(y + radius for _, y, radius in given_circles))
    ahead = np.roll(outline, -1, axis=0) - outline
    turn = ahead[:, 0] * np.roll(ahead, -1, axis=0)[:, 1] - ahead[:, 1] * np.roll(ahead, -1, axis=0)[:, 0]
    assert turn.min() > -1e-9


def test_a_curve_passes_through_its_points_and_keeps_double_points_as_corners() -> None:
    points = [(0.0, 0.0), (4.0, 1.0), (4.0, 1.0), (5.0, 5.0), (1.0, 4.0)]
    line = curve(points)
    for point in points:
        assert np.abs(line - point).sum(axis=1).min() == 0
    assert (np.abs(np.diff(line, axis=0)).sum(axis=1) > 0).all(), "no loops or stops at corners"
    assert line.max() < 6


def test_mirrored_points_are_symmetric_and_moved_ones_scaled_first() -> None:
    outline = curve(mirrored([(0, -5), (4, -2), (3, 3)]))
    assert {(round(x, 9), round(y, 9)) for x, y in outline} == {(round(-x, 9), round(y, 9)) for x, y in outline}
    assert np.array_equal(moved(ellipse(0, 0, 1, 2), 7, 3, 2), ellipse(7, 3, 2, 4))


def test_a_stroke_has_its_width_and_narrows_to_its_tip() -> None:
    line = coverage(stroke([(3, 3), (8, 3), (12, 3)], 2, 0.5), 16, 8, 4)
    wide = (line > 0).sum(axis=0) / 8
    assert wide[5 * 8] == pytest.approx(2, abs=0.3)
    assert wide[12 * 8] == pytest.approx(0.5, abs=0.4)


# ---- the walk ----


@given(bodies, st.sampled_from(VIEWS), st.integers(0, PHASES - 1))
@settings(deadline=None)
def test_the_lower_foot_stands_on_the_ground_and_bones_keep_their_length(
    body: BodyShape, view: View, phase: int
) -> None:
    walking = pose(body, view, phase, snap=8)
    lowest = max(max(walking.at(f"{s} ankle")[1] + 2.2, walking.at(f"{s} toes")[1] + 1.6) for s in ("left", "right"))
    assert abs(lowest - GROUND) < 2.5, "the camera looks down a little, so a foot in front stands lower"
    if view == "east":
        for side in ("left", "right"):
            hip, knee, ankle = (np.array(walking.at(f"{side} {joint}")) for joint in ("hip", "knee", "ankle"))
            assert np.hypot(*(knee - hip)) == pytest.approx(0.52 * body.leg, abs=0.01)
            assert np.hypot(*(ankle - knee)) == pytest.approx(0.48 * body.leg, abs=0.01)


@pytest.mark.parametrize("phase", range(PHASES))
@pytest.mark.parametrize("view", ["south", "north"])
def test_half_a_cycle_later_the_walk_is_mirrored(view: View, phase: int) -> None:
    now, later = pose(BodyShape(), view, phase), pose(BodyShape(), view, (phase + PHASES // 2) % PHASES)
    for joint in ("shoulder", "elbow", "hand", "hip", "knee", "ankle", "toes"):
        x, y = now.at(f"left {joint}")
        assert later.at(f"right {joint}") == pytest.approx((2 * MIDDLE - x, y))
    assert later.sway == -now.sway


def test_north_is_seen_from_behind_and_in_the_east_the_right_side_is_nearer() -> None:
    south, north, east = (pose(BodyShape(), view, 0) for view in ("south", "north", "east"))
    assert south.at("left hip")[0] > MIDDLE > north.at("left hip")[0]
    assert south.nearer("toes") != north.nearer("toes")
    assert east.nearer("toes") == east.nearer("hand") == "right"


def test_arms_swing_against_the_legs() -> None:
    for phase in (0, 4):
        east = pose(BodyShape(), "east", phase)
        legs = east.at("left ankle")[0] - east.at("right ankle")[0]
        arms = east.at("left hand")[0] - east.at("right hand")[0]
        assert legs * arms < 0 and abs(legs) > 6 and abs(arms) > 6


def test_pelvis_chest_and_head_lie_on_whole_art_pixels_and_bob() -> None:
    for body in {character.body for character in CAST}:
        heights = []
        for phase in range(PHASES):
            walking = pose(body, "south", phase)
            assert all(value == int(value) for joint in ("pelvis", "chest", "head") for value in walking.at(joint))
            heights.append(walking.at("head")[1])
        assert 1 <= max(heights) - min(heights) <= 3
        assert heights[:4] == heights[4:], "both steps are alike"
        assert heights[1] == max(heights) and heights[3] == min(heights), "lowest when down, highest when up"


# ---- light and pattern ----


def test_light_is_strongest_where_the_surface_faces_it_and_weaker_away_from_it() -> None:
    form = ((10.0, 10.0, 10.0, 10.0, 5.0),)
    x, y = np.array([10 + 5 * TO_LIGHT[0], 10, 13]), np.array([10 + 5 * TO_LIGHT[1], 10, 14])
    facing, middle, away = light_on(form, x, y)
    assert facing == pytest.approx(sum(part * part for part in TO_LIGHT), abs=0.01)
    assert facing > middle > away


def test_the_nearest_rod_gives_the_light() -> None:
    y, x = np.mgrid[:20, :20] + 0.5
    rods = ((4.0, 2.0, 4.0, 18.0, 3.0), (14.0, 2.0, 14.0, 18.0, 3.0))
    both, left = light_on(rods, x, y), light_on(rods[:1], x, y)
    assert np.array_equal(both[:, :8], left[:, :8])
    assert np.allclose(both[:, 10:18], left[:, :8])


@pytest.mark.parametrize(("kind", "share"), [("stripes", 0.5), ("checks", 0.5)])
def test_a_pattern_covers_its_share(kind: str, share: float) -> None:
    y, x = np.mgrid[:32, :32] + 0.5
    woven = Pattern(CLOTHS["red"], kind, 2, 0, 0).at(x, y)
    assert woven.mean() == share
    assert (kind == "stripes") == bool((woven.all(axis=1) | ~woven.any(axis=1)).all())


def test_light_factors_are_exposure_warmth_and_fall() -> None:
    factors = FrameLight(1.1, 0.05, 0.2).factors(10)
    assert factors.shape == (10, 1, 3)
    assert factors[0, 0] == pytest.approx(np.array([1.05, 1, 0.95]) * 1.1 * 0.99)
    assert factors[-1, 0] == pytest.approx(np.array([1.05, 1, 0.95]) * 1.1 * 0.81)


def test_every_ramp_gets_darker_tone_by_tone() -> None:
    for table in (SKINS, HAIRS, EYES, CLOTHS):
        for ramp in table.values():
            brightness = [0.3 * r + 0.6 * g + 0.1 * b for r, g, b in ramp.tones]
            assert len(ramp.tones) == 5 and brightness == sorted(brightness, reverse=True), ramp.name


# ---- painting ----


@given(st.integers(1, 9), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_blurred_is_the_naive_mean_of_means(radius: int, seed: int) -> None:
    counts = np.random.default_rng(seed).integers(0, 17, (12, 15))
    mean = counts.astype(float)
    for _ in range(2):  # what lies over the edge counts as 0
        window = (2 * radius + 1, 2 * radius + 1)
        mean = np.lib.stride_tricks.sliding_window_view(np.pad(mean, radius), window).mean(axis=(2, 3))
    assert np.allclose(blurred(counts, radius), mean)


def test_shifted_moves_and_zeros_come_in() -> None:
    plane = np.arange(1, 13).reshape(3, 4)
    assert shifted(plane, 1, -1).tolist() == [[0, 0, 0, 0], [2, 3, 4, 0], [6, 7, 8, 0]]


def test_a_pixel_layer_has_a_dark_outline_below_and_casts_a_shadow() -> None:
    red, blue = CLOTHS["red"], CLOTHS["navy"]
    ground = SpriteLayer((box(4, 4, 40, 40),), ((20, 4, 20, 44, 40),), blue)
    piece = SpriteLayer((box(14, 14, 12, 12),), ((20, 14, 20, 26, 9),), red, clothing=True, shadow=2)
    plain, canvas = PixelCanvas(), PixelCanvas()
    plain.paint(ground)
    canvas.paint(ground)
    canvas.paint(piece)
    picture, before = canvas.picture(), plain.picture()
    assert (picture[25, 15:26, :3] == red.tones[4]).all() and (picture[14, 15:25, :3] == red.tones[3]).all()
    inside = np.zeros((CELL, CELL), bool)
    inside[14:26, 14:26] = True
    assert np.array_equal(canvas.mask() == 255, inside)
    darker = (picture.astype(int) - before)[..., :3].sum(axis=2) < 0
    assert darker[26:28, 15:25].all() and not darker[28:40].any() and not darker[:14].any()


# ---- characters ----


def colours_of(picture: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(colour) for colour in picture[picture[..., 3] > 0][:, :3].tolist()}


def dyed(layers: list[SpriteLayer], colour: tuple[int, int, int]) -> list[SpriteLayer]:
    """The layers with all clothes in one flat colour that casts no shadow."""
    flat = Ramp("flat", (colour,) * 5)
    return [
        replace(layer, ramp=flat, pattern=None, marks=(), shadow=0) if layer.clothing else replace(layer, shadow=0)
        for layer in layers
    ]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("style", ["pixel", "smooth"])
@pytest.mark.parametrize("character", [IRIS, SOL], ids=lambda character: character.name)
def test_the_mask_is_where_the_colour_of_the_clothes_shows(character: Character, style: ArtStyle, view: View) -> None:
    """Dyed magenta and green, the clothes show where both pictures differ by more than half."""
    layers = layers_of(character, pose(character.body, view, 1, 8 if style == "smooth" else 1))
    mask = paint(layers, style).mask > 0
    magenta, green = (paint(dyed(layers, c), style).clothed.astype(int) for c in ((255, 0, 255), (0, 255, 0)))
    differs = np.abs(magenta - green)[..., :3].mean(axis=2) > 127.5
    assert mask.mean() > 0.03
    wrong = (differs != mask).sum()
    assert wrong == 0 if style == "pixel" else wrong < 0.002 * mask.sum()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("character", CAST, ids=lambda character: character.name)
def test_outside_the_mask_a_pixel_frame_is_the_base_in_the_same_materials(character: Character, view: View) -> None:
    frame = draw_frame(character, view, 3, "pixel")
    bare = frame.mask == 0
    assert np.array_equal(frame.base[bare][:, 3], frame.clothed[bare][:, 3])
    ramps = [UNDERWEAR, *(ramp for table in (SKINS, HAIRS, EYES, BLUSHES) for ramp in table.values())]
    base, clothed = frame.base[bare][:, :3].tolist(), frame.clothed[bare][:, :3].tolist()
    changed = [(tuple(a), tuple(b)) for a, b in zip(base, clothed, strict=True) if a != b]
    assert len(changed) < 0.25 * (frame.base[bare][:, 3] > 0).sum()
    for before, after in changed:
        assert any(before in ramp.tones and after in ramp.tones for ramp in ramps), (before, after)


def test_garments_cast_shadows_on_skin() -> None:
    frame = draw_frame(NIL, "south", 3, "pixel")
    skin = [*SKINS["peach"].tones]
    darker = 0
    for before, after in zip(frame.base.reshape(-1, 4).tolist(), frame.clothed.reshape(-1, 4).tolist(), strict=True):
        if tuple(before[:3]) in skin and tuple(after[:3]) in skin:
            darker += skin.index(tuple(after[:3])) > skin.index(tuple(before[:3]))
    assert darker >= 5


def test_a_smooth_frame_is_lit_again_everywhere_but_its_mask_stays() -> None:
    plain, lit = (draw_frame(ROC, "east", 0, "smooth", light) for light in (FrameLight(), FrameLight(0.9)))
    assert np.array_equal(plain.mask, lit.mask) and np.array_equal(plain.base, lit.base)
    solid = plain.clothed[..., 3] == 255
    ratio = lit.clothed[solid][:, :3].sum() / plain.clothed[solid][:, :3].sum()
    assert ratio == pytest.approx(0.9, abs=0.01)
    head = np.zeros_like(solid)
    head[: SIDE // 4] = True  # far from all his clothes
    bare = solid & head & (plain.mask == 0)
    assert np.array_equal(plain.base[bare], plain.clothed[bare])


@pytest.mark.parametrize("style", ["pixel", "smooth"])
def test_drawing_twice_gives_the_same_picture(style: ArtStyle) -> None:
    first, second = (draw_frame(SOL, "south", 2, style) for _ in range(2))
    for name in ("base", "clothed", "mask"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("character", CAST, ids=lambda character: character.name)
def test_a_character_stays_in_its_frame_and_keeps_to_few_colours(character: Character) -> None:
    for view in VIEWS:
        for phase in (1, 3, 6):
            frame = draw_frame(character, view, phase, "pixel")
            alpha = frame.clothed[..., 3]
            assert set(np.unique(alpha)) == {0, 255}
            assert not np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]]).any(), (view, phase)
            assert not frame.base[frame.base[..., 3] == 0].any()
            assert len(colours_of(frame.clothed)) <= 48
            assert 0.02 < (frame.mask > 0).mean() < 0.4


def test_one_character_of_each_set_wears_the_colour_of_its_skin() -> None:
    for drawn in SETS.values():
        alike = []
        for character in drawn.characters:
            layers = layers_of(character, pose(character.body, drawn.view, 0))
            alike.append(any(layer.clothing and layer.ramp == SKINS[character.skin] for layer in layers))
        assert len(alike) == 5 and sum(alike) == 1


def test_the_sets_hold_different_bodies_skins_hair_and_outfits() -> None:
    for drawn in SETS.values():
        people = drawn.characters
        assert len({c.body for c in people}) >= 3 and len({c.skin for c in people}) >= 3
        assert len({id(c.hair[0]) for c in people}) >= 4 and len({c.name for c in people}) == 5


def test_the_other_body_has_the_same_poses_and_another_skin() -> None:
    base, clothed = draw_sheets(SHEET_CHARACTER)
    other, undressed = draw_sheets(OTHER_BODY)
    assert base.shape == clothed.shape == other.shape == (len(VIEWS) * CELL, PHASES * CELL, 4)
    assert np.array_equal(other, undressed)
    skins = [colours_of(picture) & set(SKINS[name].tones) for picture, name in ((base, "umber"), (other, "peach"))]
    assert not any(skins)
    assert OTHER_BODY.body == SHEET_CHARACTER.body
    legs = slice(CELL * 7 // 10, CELL - 1)  # below the hair
    assert np.array_equal(base[legs, ..., 3], other[legs, ..., 3])


def test_every_garment_can_be_worn_in_every_view_by_every_body() -> None:
    red, snow = CLOTHS["red"], CLOTHS["snow"]
    wardrobe = [
        garments.shirt(p, red, second=snow, weave="checks")
        + garments.jacket(p, red, patch=snow)
        + garments.scarf(p, red, snow)
        + garments.cape(p, red)
        + garments.dungarees(p, red)
        + garments.legwear(p, red, 0.5, 1.5, second=snow)
        + garments.dress(p, red)
        + garments.belt(p, red, snow)
        + garments.boots(p, red, cuff=snow)
        + garments.gloves(p, red)
        + garments.beanie(p, red, snow)
        + garments.straw_hat(p, red, snow)
        + garments.pointed_hat(p, red, snow)
        for view in VIEWS
        for p in (pose(BodyShape(leg=11), view, 1), pose(BodyShape(girth=1.2, head=1.1), view, 6))
    ]
    for pieces in wardrobe:
        for _, layer in pieces:
            assert layer.clothing
            assert coverage(layer.outlines, CELL, 1, 4, layer.cut).sum() >= 3 * 16
