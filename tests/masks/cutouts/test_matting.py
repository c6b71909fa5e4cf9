"""Cut-outs: hard edges of pixel art; soft edges of smooth art against scenes whose alpha and colours are known."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masks.cutouts.matting import cut_out, has_hard_edges
from masks.sets.naming import mask_name
from masks.sets.pairs import find_pairs, read_mask, read_pair
from masks.sets.pixel_art import enlarge
from tests.helpers import REAL_DATA, needs_real_data

SIDE = 96  # of a drawn scene
FINE = 6  # samples of a scene along each side of a pixel
EDGE_PX = 3  # a scene is judged this near to the mask's edge

SKIN, BLUE_SKIN, HAIR = (222, 172, 136), (60, 90, 225), (70, 42, 25)
CLOTHS = {"red": (190, 40, 50), "dark": (35, 38, 52), "white": (238, 238, 235), "near skin": (196, 150, 122)}


# ---- scenes that are drawn fine and averaged, so that the truth is known ----


@dataclass(frozen=True)
class Scene:
    """What a renderer knows: base and clothed frame, true alpha of the cloth and its colour, premultiplied."""

    base: np.ndarray
    clothed: np.ndarray
    cloth: np.ndarray  # (SIDE, SIDE, 4) float, premultiplied, 0 to 1
    other_body: np.ndarray  # in the light of the clothed frame

    @property
    def mask(self) -> np.ndarray:
        return np.where(self.cloth[..., 3] > 0.5, 255, 0).astype(np.uint8)


@functools.cache
def scene(cloth: str, light: bool = False, shadow: bool = False, hair: bool = False, flush: bool = False) -> Scene:
    """A bust in a shirt.

    Args:
        cloth: one of CLOTHS.
        light: the clothed frame is lit differently.
        shadow: the cloth casts a contact shadow.
        hair: strands of hair hang over cloth and skin.
        flush: the shirt ends where the body ends, else it stands out.
    """
    n = SIDE * FINE
    body, shirt, strands = (np.zeros((n, n), np.uint8) for _ in range(3))
    cv2.ellipse(body, (n // 2, int(0.28 * n)), (int(0.13 * n), int(0.17 * n)), 0, 0, 360, 1, -1)
    cv2.ellipse(body, (n // 2, int(0.8 * n)), (int(0.27 * n), int(0.33 * n)), 0, 0, 360, 1, -1)
    grown = 1.0 if flush else 1.09
    axes = (int(0.27 * n * grown), int(0.33 * n * grown))
    cv2.ellipse(shirt, (n // 2, int(0.8 * n)), axes, 0, 0, 360, 1, -1)
    cv2.ellipse(shirt, (n // 2, int(0.48 * n)), (int(0.11 * n), int(0.13 * n)), 0, 0, 360, 0, -1)
    cv2.circle(shirt, (int(0.36 * n), int(0.78 * n)), int(0.05 * n), 0, -1)
    for start, end in ((0.38, 0.33), (0.47, 0.5), (0.6, 0.66)) if hair else ():
        cv2.line(strands, (int(start * n), int(0.15 * n)), (int(end * n), int(0.72 * n)), 1, int(0.018 * n))
    rows = np.mgrid[:n, :n][0] / n
    lit = (1.12 - 0.3 * rows[..., None]) * np.array([1.04, 0.98, 0.95]) if light else 1.0
    far = cv2.distanceTransform(1 - shirt, cv2.DIST_L2, 5) / (4 * FINE)
    shade = 1 - 0.4 * (1 - far).clip(0, 1) if shadow else np.ones((n, n))

    def render(skin: tuple[int, int, int], dressed: bool, lit: np.ndarray | float) -> np.ndarray:
        picture = np.zeros((n, n, 4))
        layers = [(body, skin, shade if dressed else 1.0), (shirt * dressed, CLOTHS[cloth], 1.0), (strands, HAIR, 1.0)]
        for layer, colour, darker in layers:
            shown = np.broadcast_to(np.array(colour) * (1.15 - 0.25 * rows[..., None]), (n, n, 3))
            shown = (shown * np.broadcast_to(darker, (n, n))[..., None] * lit).clip(0, 255)
            picture = np.where(layer[..., None] > 0, np.dstack([shown, np.full((n, n), 255.0)]), picture)
        return averaged(picture)

    garment = np.zeros((n, n, 4))
    colour = (np.array(CLOTHS[cloth]) * (1.15 - 0.25 * rows[..., None]) * lit).clip(0, 255)
    visible = (shirt > 0) & (strands == 0)
    garment[visible] = np.dstack([colour, np.full((n, n), 255.0)])[visible]
    pictures = [as_bytes(picture) for picture in (render(SKIN, False, 1.0), render(SKIN, True, lit))]
    return Scene(pictures[0], pictures[1], averaged(garment) / 255, as_bytes(render(BLUE_SKIN, False, lit)))


def averaged(fine: np.ndarray) -> np.ndarray:
    """The mean of each pixel's samples, premultiplied."""
    return fine.reshape(SIDE, FINE, SIDE, FINE, 4).mean(axis=(1, 3))


def as_bytes(premultiplied: np.ndarray) -> np.ndarray:
    alpha = premultiplied[..., 3:]
    straight = np.where(alpha > 0, premultiplied[..., :3] * 255 / np.maximum(alpha, 1e-9), 0)
    return np.dstack([straight, alpha]).round().clip(0, 255).astype(np.uint8)


def premultiplied(rgba: np.ndarray) -> np.ndarray:
    alpha = rgba[..., 3:] / 255
    return np.dstack([rgba[..., :3] / 255 * alpha, alpha])


def over(cloth: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Porter and Duff's "over" of premultiplied pictures."""
    return cloth + (1 - cloth[..., 3:]) * body


def near_edge(mask: np.ndarray, within_px: int = EDGE_PX) -> np.ndarray:
    kernel = np.ones((2 * within_px + 1,) * 2, np.uint8)
    return (cv2.dilate(mask, kernel) > 0) & (cv2.erode(mask, kernel) == 0)


def levels(error: np.ndarray) -> float:
    """Root mean square in levels of 255."""
    return float(255 * np.sqrt(np.mean(error**2)))


def hard_cut(clothed: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return clothed * (mask > 0)[..., None]


def errors(drawn: Scene, mask: np.ndarray, cut: np.ndarray) -> dict[str, float]:
    """How far a cut-out is off near the edge: alpha, and colours when worn by another body, in levels of 255."""
    edge = near_edge(mask)
    ours = premultiplied(cut)
    body = premultiplied(drawn.other_body)
    worn = over(ours, body) - over(drawn.cloth, body)
    return {"alpha": levels((ours - drawn.cloth)[edge, 3]), "worn by another": levels(worn[edge])}


CASES: dict[str, dict[str, bool]] = {
    "as drawn": {},
    "in another light": {"light": True},
    "with a contact shadow": {"shadow": True},
    "under hair": {"hair": True},
    "flush with the body": {"flush": True},
    "all at once": {"light": True, "shadow": True, "hair": True},
}


@pytest.mark.parametrize("cloth", ["red", "dark", "white"])
@pytest.mark.parametrize("case", CASES)
def test_soft_edges_come_near_the_truth(case: str, cloth: str) -> None:
    drawn = scene(cloth, **CASES[case])
    ours = errors(drawn, drawn.mask, cut_out(drawn.base, drawn.clothed, drawn.mask))
    hard = errors(drawn, drawn.mask, hard_cut(drawn.clothed, drawn.mask))
    # A shadow beside dark cloth has the colours of a soft edge.
    most = 0.85 if cloth == "dark" and CASES[case].get("shadow") else 0.5
    assert all(ours[what] < most * hard[what] for what in hard), (ours, hard)


@pytest.mark.parametrize("case", CASES)
def test_cloth_of_the_colour_of_skin_is_cut_out_at_least_as_well_as_with_hard_edges(case: str) -> None:
    drawn = scene("near skin", **CASES[case])
    ours = errors(drawn, drawn.mask, cut_out(drawn.base, drawn.clothed, drawn.mask))
    hard = errors(drawn, drawn.mask, hard_cut(drawn.clothed, drawn.mask))
    assert all(ours[what] < hard[what] for what in hard), (ours, hard)


@pytest.mark.parametrize("cloth", ["red", "dark", "white"])
def test_a_mask_that_is_a_pixel_off_is_mended(cloth: str) -> None:
    drawn = scene(cloth, light=True)
    kernel = np.ones((3, 3), np.uint8)
    changes: list[Callable[[np.ndarray, np.ndarray], np.ndarray]] = [cv2.dilate, cv2.erode]
    for change in changes:
        mask = change(drawn.mask, kernel)
        ours = errors(drawn, drawn.mask, cut_out(drawn.base, drawn.clothed, mask))
        hard = errors(drawn, drawn.mask, hard_cut(drawn.clothed, mask))
        assert ours["worn by another"] < 0.4 * hard["worn by another"], (change, ours, hard)


def test_no_rim_of_the_old_skin_shows_on_another_body() -> None:
    """Beside white cloth, blue skin with a rim of the old skin would be redder than either."""
    drawn = scene("white", flush=True)
    edge = near_edge(drawn.mask, 1)
    body = premultiplied(drawn.other_body)
    truth = over(drawn.cloth, body)[edge]

    def rim(cut: np.ndarray) -> float:
        """By how much pixels are more orange than they should be, at the worst hundredth."""
        worn = over(premultiplied(cut), body)[edge]
        orange = (worn[:, 0] - worn[:, 2]) - (truth[:, 0] - truth[:, 2])
        return float(255 * np.quantile(orange, 0.99))

    hard = rim(hard_cut(drawn.clothed, drawn.mask))
    ours = rim(cut_out(drawn.base, drawn.clothed, drawn.mask))
    assert hard > 25 and ours < 6, (ours, hard)


@pytest.mark.parametrize("case", ["as drawn", "in another light", "under hair", "flush with the body"])
@pytest.mark.parametrize("cloth", CLOTHS)
def test_over_its_own_base_it_gives_the_clothed_frame_as_the_true_layer_does(cloth: str, case: str) -> None:
    """Where cloth hides the body within a pixel, and where the light changed, no layer can do it exactly."""
    drawn = scene(cloth, **CASES[case])
    cut = premultiplied(cut_out(drawn.base, drawn.clothed, drawn.mask))
    base, clothed, edge = premultiplied(drawn.base), premultiplied(drawn.clothed), near_edge(drawn.mask)
    ours, truth = (levels((over(layer, base) - clothed)[edge]) for layer in (cut, drawn.cloth))
    assert ours < truth + 0.5
    if case == "as drawn":
        assert ours < 1


# ---- real sprites ----


@needs_real_data("masks")
@pytest.mark.parametrize(("name", "most"), [("vector_bust", 0.75), ("mh_walk_south", 0.55)])
def test_real_cut_outs_over_their_own_base_give_the_clothed_frames_again(name: str, most: float) -> None:
    """Up to light and shadow, which the base does not have; a hard cut is the yardstick."""
    folder = REAL_DATA / "masks"
    ours: list[float] = []
    hard: list[float] = []
    for pair in find_pairs(folder / f"frames_backup_{name}")[::4]:
        base, clothed = read_pair(pair)
        mask = read_mask(folder / f"masks_backup_{name}" / mask_name(pair.number))
        edge = near_edge(mask, 1)
        for errors_of, cut in ((ours, cut_out(base, clothed, mask)), (hard, hard_cut(clothed, mask))):
            apart = over(premultiplied(cut), premultiplied(base)) - premultiplied(clothed)
            errors_of.append(255 * np.abs(apart[edge]).mean())
    assert np.mean(ours) < most * np.mean(hard), (np.mean(ours), np.mean(hard))


@needs_real_data("masks")
@pytest.mark.parametrize("name", ["walk_south", "ulpc_walk_south"])
def test_real_pixel_art_is_cut_along_its_pixels(name: str) -> None:
    folder = REAL_DATA / "masks"
    pair = find_pairs(folder / f"frames_backup_{name}")[7]
    base, clothed = read_pair(pair)
    mask = read_mask(folder / f"masks_backup_{name}" / mask_name(pair.number))
    assert (cut_out(base, clothed, mask) == hard_cut(clothed, mask)).all()


# ---- hard edges ----


def noise(seed: int, side: int = 16) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames without soft pixels and a mask."""
    rng = np.random.default_rng(seed)
    base, clothed = rng.integers(0, 256, (2, side, side, 4), np.uint8)
    base[..., 3], clothed[..., 3] = 255 * rng.integers(0, 2, (2, side, side), np.uint8)
    return base, clothed, 255 * rng.integers(0, 2, (side, side), np.uint8)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_pixel_art_keeps_its_pixels(seed: int, factor: int) -> None:
    base, clothed, mask = (enlarge(picture, factor) for picture in noise(seed))
    cut = cut_out(base, clothed, mask)
    worn = (mask > 0) & (clothed[..., 3] > 0)
    assert cut.dtype == np.uint8
    assert (cut[worn] == clothed[worn]).all()
    assert not cut[~worn].any()


def test_enlarged_pixel_art_with_soft_pixels_keeps_hard_edges() -> None:
    base, clothed, mask = noise(1)
    clothed[3, 4, 3] = 128  # a ghost
    assert not has_hard_edges(base, clothed)
    base, clothed, mask = (enlarge(picture, 4) for picture in (base, clothed, mask))
    assert has_hard_edges(base, clothed)
    cut = cut_out(base, clothed, mask)
    assert (cut[mask > 0][:, 3] == clothed[mask > 0][:, 3]).all()


def test_opaque_frames_are_pixel_art_by_their_few_colours() -> None:
    base, clothed, _ = noise(2, side=32)
    for picture in (base, clothed):
        picture[..., 3] = 255
    assert not has_hard_edges(base, clothed)
    few = [picture // 128 * 64 | np.array([0, 0, 0, 255], np.uint8) for picture in (base, clothed)]
    assert has_hard_edges(*few)


# ---- what must hold for everything ----


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.tuples(st.integers(8, 40), st.integers(8, 40)))
def test_any_frames_and_masks_give_a_valid_cut_out(seed: int, shape: tuple[int, int]) -> None:
    """Whatever is drawn: nothing far from the mask, the frame itself deep inside it, no colour under alpha 0."""
    rng = np.random.default_rng(seed)
    base, clothed = (cv2.resize(rng.integers(0, 256, (4, 4, 4), np.uint8), shape[::-1]) for _ in range(2))
    mask = np.zeros(shape, np.uint8)
    y, x = (int(rng.integers(0, side)) for side in shape)
    mask[y : y + int(rng.integers(0, 30)), x : x + int(rng.integers(0, 30))] = 255
    cut = cut_out(base, clothed, mask)
    assert cut.shape == (*shape, 4) and cut.dtype == np.uint8
    assert not cut[cv2.dilate(mask, np.ones((5, 5), np.uint8)) == 0].any()
    deep = (cv2.erode(mask, np.ones((5, 5), np.uint8)) > 0) & (clothed[..., 3] > 0)
    assert (cut[deep] == clothed[deep]).all()
    assert not cut[cut[..., 3] == 0].any()


@pytest.mark.parametrize("kind", ["empty mask", "transparent frames", "full mask", "thin mask"])
def test_extremes(kind: str) -> None:
    drawn = scene("red")
    base, clothed, mask = drawn.base.copy(), drawn.clothed.copy(), drawn.mask.copy()
    if kind == "empty mask":
        mask[:] = 0
        assert not cut_out(base, clothed, mask).any()
    elif kind == "transparent frames":
        base[..., 3] = clothed[..., 3] = 0
        assert not cut_out(base, clothed, mask).any()
    elif kind == "full mask":
        mask[:] = 255
        assert (cut_out(base, clothed, mask) == clothed * (clothed[..., 3:] > 0)).all()
    else:
        mask[:] = 0
        mask[80, 30:80] = 255  # a strap of one pixel, which nothing sure lies beside
        assert cut_out(base, clothed, mask)[80, 40:70, 3].min() > 200


def test_masks_in_bool_and_bytes_give_the_same() -> None:
    drawn = scene("dark", light=True)
    one, other = (cut_out(drawn.base, drawn.clothed, mask) for mask in (drawn.mask, drawn.mask > 0))
    assert (one == other).all()


def test_other_sizes_are_refused() -> None:
    drawn = scene("red")
    with pytest.raises(ValueError, match="one size"):
        cut_out(drawn.base, drawn.clothed, drawn.mask[1:])
    with pytest.raises(ValueError, match="one size"):
        cut_out(drawn.base[1:], drawn.clothed, drawn.mask)


def test_larger_art_gets_edges_of_the_same_quality() -> None:
    """Four times as large, the edge that may be mixed is wider, as is the error of a mask from a small network."""
    drawn = scene("red", light=True)
    alpha = drawn.cloth[..., 3].astype(np.float32)
    size = (1100, 1100)
    base, clothed, exact = (
        cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR) for picture in (drawn.base, drawn.clothed, alpha)
    )
    rough = cv2.dilate(np.where(exact > 0.5, 255, 0).astype(np.uint8), np.ones((5, 5), np.uint8))
    cut = cut_out(base, clothed, rough)
    edge = near_edge(rough, 6)
    ours = np.abs(cut[..., 3] / 255 - exact)[edge].mean()
    assert ours < 0.6 * np.abs(rough / 255 - exact)[edge].mean()
