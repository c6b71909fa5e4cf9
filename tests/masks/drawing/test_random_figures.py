"""Random figures: the two frames and the mask agree, the same seed draws the same, and hardly two are alike."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import UserError
from masks.drawing.random_figures import (
    NECKLINES,
    BodyPart,
    FigureClothes,
    as_jpeg,
    blob,
    cast_shadow,
    draw_bust,
    draw_shapes,
    draw_walker,
    ellipse,
    neckline,
    on_ground,
    random_outfit,
    random_pair,
    relight,
    spoil,
    to_rgba,
    walker_parts,
)
from masks.drawing.random_layers import (
    FigureCanvas,
    FigureStyle,
    near_colour,
    paint,
    random_colour,
    random_style,
    random_texture,
    shade,
    skin_colour,
)
from masks.model.augmentation import Sample
from masks.sets.checking import check_mask
from masks.sets.pairs import FramePair

SEEDS = st.integers(0, 100_000)
KINDS = {"walker": draw_walker, "bust": draw_bust, "shapes": draw_shapes}


@pytest.fixture(scope="module")
def pairs() -> list[Sample]:
    return [random_pair(np.random.default_rng(seed)) for seed in range(150)]


def share_changed(pair: Sample, where: np.ndarray) -> float:
    """Share of these pixels that differ between the frames, as they look."""
    base, clothed = (picture * (picture[..., 3:] > 0) for picture in pair[:2])
    return float((base != clothed).any(axis=2)[where].mean()) if where.any() else 0.0


def is_pixel_art(pair: Sample) -> bool:
    """No pixel is half transparent."""
    return bool(np.isin(pair[1][..., 3], (0, 255)).all())


# ---- pairs ----


def test_frames_and_mask_are_squares_of_one_size(pairs: list[Sample]) -> None:
    for base, clothed, mask in pairs:
        side = len(mask)
        assert base.shape == clothed.shape == (side, side, 4) and mask.shape == (side, side) and 24 <= side < 400
        assert base.dtype == clothed.dtype == mask.dtype == np.uint8
        assert set(np.unique(mask)) <= {0, 255}


def test_no_clothing_where_nothing_is_drawn(pairs: list[Sample]) -> None:
    for base, clothed, mask in pairs:
        assert not mask[clothed[..., 3] == 0].any()
        assert (base[..., 3] > 127).any() and (clothed[..., 3] > 127).any()


def test_the_same_seed_draws_the_same_and_another_one_does_not(pairs: list[Sample]) -> None:
    for seed in (0, 7, 149):
        again = random_pair(np.random.default_rng(seed))
        for one, other in zip(pairs[seed], again, strict=True):
            np.testing.assert_array_equal(one, other)
    assert len({pair[1].tobytes() for pair in pairs}) == len(pairs)


def test_the_masks_could_be_those_of_a_real_set(pairs: list[Sample]) -> None:
    """What `gather_training_data` refuses is no truth: an inverted mask, or none where much changed."""
    pair = FramePair("0", Path("b"), Path("c"), Path("m"))
    refused = 0
    for triple in pairs:
        try:
            check_mask(pair, *triple)
        except UserError:
            refused += 1
    assert refused < len(pairs) * 0.05


def test_what_is_not_clothing_is_the_same_but_for_light_and_shadow(pairs: list[Sample]) -> None:
    """About one pair in ten has neither, and some have shadows alone; clothing itself nearly always changes much."""
    art = [pair for pair in pairs if is_pixel_art(pair) and pair[2].any()]
    outside = [share_changed(pair, (pair[2] == 0) & (pair[1][..., 3] > 0)) for pair in art]
    inside = [share_changed(pair, pair[2] > 0) for pair in art]
    assert np.mean(np.array(outside) == 0) > 0.03 and np.mean(np.array(outside) < 0.5) > 0.15
    assert np.median(inside) > 0.97
    transparent = [share_changed(pair, (pair[0][..., 3] == 0) & (pair[2] == 0)) for pair in art]
    assert np.median(transparent) == 0, "light falls on the figure, not beside it"


def test_light_and_shadow_stay_far_below_a_change_of_clothes(pairs: list[Sample]) -> None:
    steps: dict[str, list[float]] = {"body": [], "garment": []}
    for base, clothed, mask in pairs:
        both = (base[..., 3] == 255) & (clothed[..., 3] == 255)
        step = np.abs(base[..., :3].astype(int) - clothed[..., :3]).mean(axis=2)
        for name, where in (("body", both & (mask == 0)), ("garment", both & (mask > 0))):
            if where.any():
                steps[name].append(float(step[where].mean()))
    assert np.median(steps["body"]) < 20 < np.median(steps["garment"])


def test_hardly_two_are_alike(pairs: list[Sample]) -> None:
    sides = {len(mask) for _, _, mask in pairs}
    shares = np.array([(mask > 0).sum() / max(1, (clothed[..., 3] > 0).sum()) for _, clothed, mask in pairs])
    art = np.mean([is_pixel_art(pair) for pair in pairs])
    opaque = np.mean([(pair[1][..., 3] == 255).all() for pair in pairs])
    assert len(sides) > 50 and min(sides) < 40 and max(sides) > 250
    assert shares.min() < 0.1 and shares.max() > 0.6 and 0.25 < np.median(shares) < 0.75
    assert 0.4 < art < 0.75 and 0 < opaque < 0.2
    assert np.mean(shares == 0) < 0.05, "nearly every figure wears something"
    skins = [np.median(base[base[..., 3] > 200][:, :3], axis=0) for base, _, _ in pairs]
    assert np.std(skins, axis=0).min() > 25


def test_some_garments_have_nearly_the_colour_of_the_skin(pairs: list[Sample]) -> None:
    distances = []
    for base, clothed, mask in pairs:
        on, skin = mask > 0, (base[..., 3] > 200) & (mask == 0)
        if on.any() and skin.any():
            colours = [np.median(p[where][:, :3], axis=0) for p, where in ((clothed, on), (base, skin))]
            distances.append(float(np.linalg.norm(colours[0] - colours[1])))
    near = np.mean(np.array(distances) < 60)
    assert 0.1 < near < 0.6 and max(distances) > 200


# ---- layers ----


def canvas(seed: int, side_px: int = 48, pixel_art: bool = True) -> FigureCanvas:
    rng = np.random.default_rng(seed)
    return FigureCanvas(side_px, random_style(rng, pixel_art, side_px), rng)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=SEEDS, pixel_art=st.booleans())
@settings(max_examples=12)
def test_without_clothing_layers_nothing_else_changes(kind: str, seed: int, pixel_art: bool) -> None:
    """Before light and shadow, the frames differ where clothing is seen, and nowhere else."""
    drawn = canvas(seed, 56, pixel_art)
    KINDS[kind](FigureClothes(drawn))
    base_rgb, base_alpha, base_cloth = drawn.flatten(clothed=False)
    rgb, alpha, cloth = drawn.flatten(clothed=True)
    assert not base_cloth.any() and (cloth >= 0).all() and (cloth <= alpha + 1e-4).all() and alpha.max() <= 1 + 1e-5
    bare = cloth < 1e-6
    np.testing.assert_allclose(rgb[bare], base_rgb[bare], atol=0.05)
    np.testing.assert_allclose(alpha[bare], base_alpha[bare], atol=1e-3)
    assert (alpha >= base_alpha - 1e-4).all(), "clothing makes nothing transparent"
    assert rgb.min() >= 0 and rgb.max() <= 255.5


def naive_flatten(drawn: FigureCanvas, clothed: bool, y: int, x: int) -> tuple[list[float], float, float]:
    """One pixel by the "over" rule, layer by layer."""
    rgb, alpha, cloth = [0.0, 0.0, 0.0], 0.0, 0.0
    for layer in drawn.layers:
        row, column = y - layer.place[0].start, x - layer.place[1].start
        if (layer.cloth and not clothed) or not (0 <= row < len(layer.alpha) and 0 <= column < len(layer.alpha[0])):
            continue
        a = float(layer.alpha[row, column])
        rgb = [old * (1 - a) + float(new) * a for old, new in zip(rgb, layer.rgb[row, column], strict=True)]
        alpha = alpha * (1 - a) + a
        cloth = cloth * (1 - a) + (a if layer.cloth else 0)
    return rgb, alpha, cloth


@given(SEEDS, st.booleans(), st.booleans())
@settings(max_examples=10)
def test_flattening_is_the_naive_version(seed: int, pixel_art: bool, clothed: bool) -> None:
    drawn = canvas(seed, 32, pixel_art)
    draw_shapes(FigureClothes(drawn))
    rgb, alpha, cloth = drawn.flatten(clothed)
    for y in range(0, 32, 3):
        for x in range(0, 32, 3):
            expected = naive_flatten(drawn, clothed, y, x)
            np.testing.assert_allclose(rgb[y, x], expected[0], atol=0.01)
            assert (alpha[y, x], cloth[y, x]) == pytest.approx(expected[1:], abs=1e-4)


def test_pixel_art_has_hard_edges_and_smooth_art_soft_ones() -> None:
    for pixel_art in (True, False):
        drawn = canvas(3, 64, pixel_art)
        coverage = drawn.fill(ellipse(np.array([32.0, 32.0]), 20, 13, 0.4))
        soft = ((coverage > 0) & (coverage < 1)).sum()
        assert (soft == 0) == pixel_art
        assert coverage.sum() == pytest.approx(np.pi * 20 * 13, rel=0.12)


def test_a_shape_outside_the_canvas_makes_no_layer() -> None:
    drawn = canvas(0)
    drawn.add(drawn.fill(ellipse(np.array([-90.0, 10.0]), 5, 5)), np.array([1.0, 2, 3]))
    assert drawn.layers == []


@given(SEEDS, st.booleans())
@settings(max_examples=40)
def test_a_painted_layer_is_the_box_of_its_shape_in_valid_colours(seed: int, cloth: bool) -> None:
    rng = np.random.default_rng(seed)
    drawn = canvas(seed, 40, bool(rng.integers(2)))
    coverage = drawn.fill(blob(rng, np.array([20.0, 20.0]), 12, 0.3))
    count, texture = random_texture(rng, 40)
    colours = np.stack([random_colour(rng) for _ in range(count)])
    layer = paint(rng, coverage, colours if texture else colours[0], cloth=cloth, texture=texture, style=drawn.style)
    if layer is None:
        assert not coverage.any()
        return
    whole = np.zeros_like(coverage)
    whole[layer.place] = layer.alpha
    np.testing.assert_array_equal(whole, coverage)
    assert layer.rgb.shape == (*layer.alpha.shape, 3) and layer.cloth == cloth
    assert layer.rgb.min() >= 0 and layer.rgb.max() <= 255


@given(SEEDS)
@settings(max_examples=60)
def test_a_texture_chooses_among_its_colours(seed: int) -> None:
    count, texture = random_texture(np.random.default_rng(seed), 64)
    assert (texture is None) == (count == 1)
    if texture is not None:
        y, x = np.mgrid[:64, :64].astype(np.float32)
        assert set(np.unique(texture(x, y))) <= set(range(count))


@given(SEEDS)
def test_colours_are_colours_and_near_ones_are_near(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for colour in (random_colour(rng), skin_colour(rng)):
        assert colour.shape == (3,) and colour.min() >= 0 and colour.max() <= 255
        near = near_colour(rng, colour, 12, 60)
        assert near.min() >= 0 and near.max() <= 255 and np.linalg.norm(near - colour) < 60.01
    assert 12 - 1e-3 < np.linalg.norm(near_colour(rng, np.full(3, 128.0), 12, 60) - 128) < 60.01


PLAIN = FigureStyle(
    pixel_art=False,
    tones=0,
    contrast=1.0,
    light=np.array([0.0, -1.0], np.float32),
    outline_px=0,
    outline_body=True,
    outline_cloth=True,
    outline_shade=0.2,
    outline_grey=0.0,
    grain=0.0,
)


def test_shading_is_light_where_an_edge_turns_to_the_light() -> None:
    disc = (np.hypot(*(np.mgrid[:41, :41] - 20)) < 20).astype(np.float32)
    rng = np.random.default_rng(0)
    tone = shade(disc, PLAIN, rng)
    assert tone[4, 20] > 0.2 > -0.2 > tone[36, 20] and abs(tone[20, 20]) < 0.05
    np.testing.assert_allclose(tone, -tone[::-1], atol=0.02)
    assert not shade(disc, replace(PLAIN, contrast=0.0), rng).any()
    steps = shade(disc, replace(PLAIN, tones=3), rng)
    assert len(np.unique(steps)) <= 7 and np.abs(steps).max() <= 1
    assert len(np.unique(shade(disc, replace(PLAIN, grain=0.2), rng))) > 500


def test_outlines_follow_the_edge_of_what_has_them() -> None:
    square = np.zeros((20, 20), np.float32)
    square[4:16, 4:16] = 1
    rng = np.random.default_rng(0)
    colour = np.array([200.0, 100, 50])
    for cloth in (True, False):
        outlined = replace(
            PLAIN, outline_px=1, contrast=0.0, outline_cloth=cloth, outline_body=not cloth, pixel_art=True
        )
        inked = paint(rng, square, colour, cloth=cloth, texture=None, style=outlined)
        plain = paint(rng, square, colour, cloth=not cloth, texture=None, style=outlined)
        assert inked is not None and plain is not None
        assert (plain.rgb == colour).all()
        dark = np.asarray((inked.rgb < colour * 0.7).all(axis=2))
        assert (
            dark[0].all() and dark[:, 0].all() and dark[-1].all() and dark[:, -1].all() and not dark[1:-1, 1:-1].any()
        )


# ---- bodies and garments ----


def test_a_part_knows_where_a_pixel_lies_on_it() -> None:
    part = BodyPart("arm", np.array([[10.0, 10], [10, 50]]), (4.0, 6.0))
    x, y = np.array([10.0, 10, 10, 15, 5]), np.array([10.0, 50, 30, 30, 30])
    along, across = part.position(x, y)
    np.testing.assert_allclose(along, [0, 1, 0.5, 0.5, 0.5])
    np.testing.assert_allclose(np.abs(across), [0, 0, 0, 1, 1])
    assert across[3] == -across[4]
    outline = part.outline()
    assert outline[:, 0].min() == pytest.approx(4, abs=0.1) and outline[:, 0].max() == pytest.approx(16, abs=0.1)
    assert outline[:, 1].min() < 10 and outline[:, 1].max() > 50
    grown = part.outline(3)
    assert grown[:, 0].min() == pytest.approx(1, abs=0.1)


@given(SEEDS)
@settings(max_examples=30)
def test_a_walker_has_all_its_parts_and_wears_something(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = walker_parts(rng, 64)
    limbs = ("arm", "forearm", "hand", "thigh", "shin", "foot")
    assert parts.keys() == {"torso", "head", *(f"{side} {limb}" for side in ("left", "right") for limb in limbs)}
    for part in parts.values():
        assert np.isfinite(part.ends).all() and min(part.radii) > 0
    assert parts["head"].ends.mean(axis=0)[1] < parts["torso"].ends.mean(axis=0)[1] < parts["left foot"].ends[1][1]
    outfit = random_outfit(FigureClothes(canvas(seed)))
    assert outfit.spans and all(0 <= start < end <= 1.1 for start, end, _ in outfit.spans.values())
    assert {which for _, _, which in outfit.spans.values()} <= set(range(len(outfit.colours)))


@pytest.mark.parametrize("kind", NECKLINES)
def test_necklines_leave_some_and_take_some(kind: str) -> None:
    wardrobe = FigureClothes(canvas(1, 64))
    torso = walker_parts(np.random.default_rng(2), 64)["torso"]
    on = wardrobe.on_part(torso, 0, 1) > 0
    kept = [float(neckline(wardrobe, torso, kind)[on].mean()) for _ in range(12)]
    assert all(0.2 < share <= 1 for share in kept)
    assert (min(kept) == 1) == (kind == "high")
    assert sum(NECKLINES.values()) == pytest.approx(1)


@given(SEEDS, st.floats(0, 0.4))
def test_blobs_are_closed_shapes_around_their_middle(seed: int, rough: float) -> None:
    points = blob(np.random.default_rng(seed), np.array([50.0, 60.0]), 10, rough)
    assert points.ndim == 2 and points.shape[1] == 2 and len(points) >= 3
    assert np.isfinite(points).all() and np.abs(points - [50, 60]).max() < 10 * 6


# ---- light, shadow, and careless saving ----


def lit_body() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.random.Generator]]:
    """Premultiplied colours, alpha and clothing of a body in trousers, for many seeds."""
    alpha = np.zeros((48, 40), np.float32)
    alpha[6:44, 10:30] = 1
    cloth = np.zeros_like(alpha)
    cloth[20:32, 10:30] = 1
    for seed in range(40):
        yield np.repeat(alpha[..., None] * 180, 3, axis=2), alpha, cloth, np.random.default_rng(seed)


@pytest.mark.parametrize("pixel_art", [True, False])
def test_shadows_darken_skin_beside_clothing_alone(pixel_art: bool) -> None:
    fell = 0
    for rgb, _, cloth, rng in lit_body():
        dark = cast_shadow(rng, rgb.copy(), cloth, pixel_art)
        assert (dark <= rgb + 1e-3).all() and (dark >= rgb * 0.4).all()
        np.testing.assert_array_equal(dark[cloth > 0], rgb[cloth > 0])
        fell += bool((dark[32:36, 12:28] < 179).any())
        np.testing.assert_allclose(dark[:14], rgb[:14], atol=1e-3)
    assert fell > 35


@pytest.mark.parametrize("pixel_art", [True, False])
def test_another_light_changes_colours_and_keeps_them_valid(pixel_art: bool) -> None:
    changes = []
    for rgb, alpha, _, rng in lit_body():
        lit = relight(rng, rgb.copy(), alpha, pixel_art)
        assert lit.shape == rgb.shape and lit.min() >= 0 and (lit <= 255 * alpha[..., None] + 1e-3).all()
        changes.append(float(np.abs(lit - rgb)[alpha > 0].mean()))
    assert 2 < np.median(changes) < 60


def test_straight_colours_are_those_before_premultiplying() -> None:
    rng = np.random.default_rng(0)
    straight, alpha = rng.uniform(0, 255, (9, 9, 3)), rng.uniform(0.2, 1, (9, 9))
    rgba = to_rgba((straight * alpha[..., None]).astype(np.float32), alpha.astype(np.float32))
    np.testing.assert_allclose(rgba[..., :3], straight, atol=0.51)
    np.testing.assert_allclose(rgba[..., 3], alpha * 255, atol=0.51)
    assert not to_rgba(np.zeros((2, 2, 3), np.float32), np.zeros((2, 2), np.float32)).any()


def test_a_ground_fills_what_is_transparent() -> None:
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[1, 1], rgba[2, 2] = (200, 100, 0, 255), (200, 100, 0, 51)
    filled = on_ground(rgba, np.array([10.0, 20, 30]))
    assert (filled[..., 3] == 255).all()
    assert filled[0, 0].tolist() == [10, 20, 30, 255] and filled[1, 1].tolist() == [200, 100, 0, 255]
    assert filled[2, 2].tolist() == [48, 36, 24, 255]


def test_traces_of_jpeg_keep_the_alpha_and_the_picture(pairs: list[Sample]) -> None:
    base = pairs[0][0]
    spoilt = as_jpeg(base, 90)
    np.testing.assert_array_equal(spoilt[..., 3], base[..., 3])
    assert 0 < np.abs(spoilt[..., :3].astype(int) - base[..., :3]).mean() < 12


def test_careless_saving_is_rare_and_keeps_the_three_together(pairs: list[Sample]) -> None:
    base, clothed, mask = next(pair for pair in pairs if is_pixel_art(pair) and len(pair[2]) > 60)
    changed, sides = 0, set()
    for seed in range(200):
        new = spoil(np.random.default_rng(seed), base, clothed, mask)
        assert new[0].shape == new[1].shape == (*new[2].shape, 4) and set(np.unique(new[2])) <= {0, 255}
        changed += any(a.shape != b.shape or (a != b).any() for a, b in zip(new, (base, clothed, mask), strict=True))
        sides.add(len(new[2]))
        assert (new[2] > 0).mean() == pytest.approx((mask > 0).mean(), abs=0.03)
    assert 10 < changed < 45 and len(sides) > 3
