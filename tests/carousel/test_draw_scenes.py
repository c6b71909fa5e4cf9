"""0_Draw_Scenes.py: data/carousel is drawn again, scenes follow from their generator, masks and plates are exact."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from carousel.drawing.backdrops import KINDS
from carousel.drawing.bodies import Build, pose_body
from carousel.drawing.canvas import Raster, points, shoulder
from carousel.drawing.characters import POSES, STYLES, draw_figure, random_look
from carousel.drawing.height_fields import DrawnFigure, Lamp, Lighting, Material, Sculpture, relight
from carousel.drawing.sample_data import scene_name
from carousel.drawing.scenes import Scene, draw_scene
from carousel.segmenters.choice import load_segmenter
from common.errors import UserError
from common.journals import LOCK, locked
from common.outlines import box, ellipse
from common.paths import DATA
from common.people.selection import select_people
from tests.helpers import assert_user_error, load_main, run_script

pytestmark = pytest.mark.slow
DRAWN = DATA / "carousel"
SCRIPT = "carousel/0_Draw_Scenes.py"
NAMES = sorted(path.stem for path in (DRAWN / "photos").glob("*.jpg"))
SMALL = (192, 128)


def rgb(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def masks_of(name: str) -> list[np.ndarray]:
    files = sorted((DRAWN / "masks").glob(f"{name}_person*.png"))
    return [np.asarray(Image.open(file)) for file in files]


# ---- the set that ships ----


@pytest.fixture(scope="module")
def redrawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("redrawn")
    flags = ("--scenes", 2, "--people", 2, "--output", folder / "set", "--sheet", folder / "sheet.png")
    result = run_script(SCRIPT, *flags)
    assert result.returncode == 0, result.stderr
    assert "2 scenes" in result.stdout and "2 cut-outs" in result.stdout
    return folder


def test_a_folder_that_another_run_draws_is_left_alone(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(UserError, match="another run is writing it"):
        load_main(SCRIPT)(scenes=1, people=0, output=tmp_path, sheet=tmp_path / "sheet.png")
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


def test_what_is_drawn_again_is_what_ships(redrawn: Path) -> None:
    """Another processor may round a pixel otherwise, and JPEG may make a little more of that."""
    files = [path.relative_to(redrawn / "set") for path in (redrawn / "set").rglob("*.*g")]
    assert len(files) >= 2 * 3 + 2
    for file in files:
        ours, new = (np.asarray(Image.open(folder / file)).astype(int) for folder in (DRAWN, redrawn / "set"))
        assert ours.shape == new.shape
        assert abs(ours - new).mean() < 0.02, file
    with Image.open(redrawn / "sheet.png") as sheet:
        assert sheet.width > 1000 and len(sheet.reduce(4).getcolors(1 << 22) or []) > 1000
    record = json.loads((redrawn / "sheet.json").read_text(encoding="utf-8"))
    assert record["script"] == SCRIPT and record["figures"]["scenes"] == 2


def test_the_index_lists_every_file_and_there_is_no_other() -> None:
    with open(DRAWN / "index.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [scene_name(index) for index in range(len(rows))]
    assert len(rows) >= 24 and {row["kind"] for row in rows} == set(KINDS)
    expected = {f"{folder}/{row['name']}.jpg" for row in rows for folder in ("photos", "plates")}
    for row in rows:
        expected |= {f"masks/{row['name']}_person{number}.png" for number in range(1, int(row["people"]) + 1)}
    found = {path.relative_to(DRAWN).as_posix() for path in DRAWN.rglob("[!.]*.*") if path.parent.name != "people"}
    assert found - {"index.csv", "README.md"} == expected
    assert sum(path.stat().st_size for path in DRAWN.rglob("*.*")) < 12_000_000


@pytest.mark.parametrize("name", NAMES)
def test_photo_and_plate_differ_where_the_people_are(name: str) -> None:
    photo, plate, masks = rgb(DRAWN / f"photos/{name}.jpg"), rgb(DRAWN / f"plates/{name}.jpg"), masks_of(name)
    assert photo.shape == plate.shape == (512, 768, 3) and 1 <= len(masks) <= 3
    assert {value for mask in masks for value in np.unique(mask)} == {0, 255}
    anybody = np.maximum.reduce(masks) > 0
    assert sum((mask > 0).sum() for mask in masks) == anybody.sum(), "no pixel belongs to two people"
    difference = abs(photo.astype(int) - plate).mean(axis=2)
    assert difference[anybody].mean() > 15
    far_from_feet = ~anybody
    far_from_feet[300:] = False
    assert difference[far_from_feet].mean() < 1.5, "edges and JPEG alone"


def test_the_segmenter_of_files_finds_the_people_and_the_rules_keep_nearly_all() -> None:
    segmenter = load_segmenter("files", DRAWN / "masks")
    found = kept = 0
    for name in NAMES:
        photo = rgb(DRAWN / f"photos/{name}.jpg")
        people = segmenter.find_people(photo, DRAWN / f"photos/{name}.jpg")
        found, kept = found + len(people), kept + len(select_people(people, photo.shape)[0])
    assert found >= 40 and kept >= 0.9 * found


def test_cut_outs_have_clean_edges_and_half_of_them_stand() -> None:
    files = sorted((DRAWN / "people").glob("*.png"))
    assert len(files) >= 8
    half_figures = 0
    for file in files:
        with Image.open(file) as image:
            assert image.mode == "RGBA" and not image.info and max(image.size) > 400
            rgba = np.asarray(image)
        alpha = rgba[..., 3]
        assert (rgba[alpha == 0] == 0).all()
        assert 0.001 < ((alpha > 0) & (alpha < 255)).mean() < 0.1, "soft at the edge alone"
        assert not alpha[0].any() and not alpha[:, 0].any() and not alpha[:, -1].any()
        half_figures += bool(alpha[-1].any())
    assert 2 <= half_figures <= len(files) / 2


# ---- scenes from a generator ----


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [draw_scene(np.random.default_rng([9, index]), *SMALL, kind) for index, kind in enumerate(KINDS)]


def test_every_kind_has_people_with_masks_of_the_pictures_size(scenes: list[Scene]) -> None:
    for scene in scenes:
        assert scene.photo.shape == scene.plate.shape == (SMALL[1], SMALL[0], 3)
        assert scene.photo.dtype == scene.plate.dtype == np.uint8
        assert all(mask.shape == scene.photo.shape[:2] and mask.any() for mask in scene.masks) and scene.masks


def test_beyond_people_and_their_shadows_the_plate_is_the_photo_bit_for_bit(scenes: list[Scene]) -> None:
    for scene in scenes:
        same = (scene.photo == scene.plate).all(axis=2)
        anybody = np.maximum.reduce(scene.masks) > 0
        assert same[:20].mean() > 0.9 and same[~anybody].mean() > 0.5, scene.kind
        brighter = scene.photo.astype(int).sum(axis=2) > scene.plate.astype(int).sum(axis=2) + 3
        low = np.zeros_like(anybody)
        low[int(np.flatnonzero(anybody.any(axis=1)).max()) + 2 :] = True
        assert not brighter[low].any(), "below the feet there are shadows alone"


def test_a_scene_follows_from_its_generator_alone() -> None:
    first, again, other = (draw_scene(np.random.default_rng(seed), *SMALL, "meadow") for seed in (3, 3, 4))
    assert (first.photo == again.photo).all() and (first.plate == again.plate).all()
    assert (first.photo != other.photo).mean() > 0.5
    assert draw_scene(np.random.default_rng(3), *SMALL).kind in KINDS


# ---- people and light ----


def ball() -> DrawnFigure:
    sculpture = Sculpture(np.random.default_rng(0), Raster(100, 100, 100.0))
    grey = Material(np.full(3, 0.5, np.float32), weave=0.0)
    sculpture.add([ellipse(0.5, 0.5, 0.4, 0.4)], grey, rounding=0.25)
    return sculpture.finish((0.5, 1.0), 1.0)


@pytest.mark.parametrize(
    ("direction", "bright", "dark"), [((1, 0, 0.3), "right", "left"), ((0, 1, 0.3), "top", "bottom")]
)
def test_light_falls_on_the_side_that_it_comes_from(
    direction: tuple[float, float, float], bright: str, dark: str
) -> None:
    none = np.zeros(3, np.float32)
    lit = relight(ball(), Lighting(none, none, (Lamp(direction, np.array([1, 0.5, 0.25], np.float32), 0.1),)))
    parts = {
        "left": lit[30:50, 8:16],
        "right": lit[30:50, -16:-8],
        "top": lit[8:16, 30:50],
        "bottom": lit[-16:-8, 30:50],
    }
    assert parts[bright].mean() > 0.1 and parts[bright].mean() > 4 * parts[dark].mean()
    assert np.allclose(parts[bright][..., 0], 2 * parts[bright][..., 1], rtol=1e-3), "in the lamp's colour"


def test_normals_are_unit_vectors_that_turn_outwards_at_the_edge() -> None:
    figure = ball()
    assert np.allclose((figure.normal**2).sum(axis=2), 1, atol=1e-4)
    height, width = figure.alpha.shape
    assert figure.normal[height // 2, width // 2, 2] > 0.99
    assert figure.normal[height // 2, 3, 0] < -0.6 < 0.6 < figure.normal[height // 2, -4, 0]
    assert figure.normal[3, width // 2, 1] > 0.6


@pytest.mark.parametrize("name", POSES)
def test_every_pose_stands_on_the_ground_with_limbs_of_their_length(name: str) -> None:
    body = pose_body(Build(0.5, 1.0, 0.0, 1.75), POSES[name])
    lowest = max(leg.end[1] for leg in body.legs)
    assert lowest == pytest.approx(-0.04)
    assert -1.06 < body.head[1] - 0.0775 < -0.93
    for arm in body.arms:
        assert np.hypot(arm.middle[0] - arm.start[0], arm.middle[1] - arm.start[1]) == pytest.approx(0.155, rel=0.05)


@pytest.mark.parametrize("style", STYLES)
def test_people_of_every_style_can_be_drawn(style: str) -> None:
    for seed in range(6):
        rng = np.random.default_rng([seed, STYLES.index(style)])
        look = random_look(rng, style, child=seed == 5)
        figure = draw_figure(rng, look, POSES["waving"], 120)
        assert figure.alpha.max() == pytest.approx(1, abs=1e-5) and 0.1 < figure.alpha.mean() < 0.7
        assert np.isfinite(figure.albedo).all() and (figure.albedo >= 0).all()
        tall = figure.alpha.shape[0] / figure.height_px
        assert 0.9 < tall < 1.5
        if look.face.hair == "hijab":
            assert look.outfit.top in ("sweater", "hoodie", "denim jacket", "leather jacket", "raincoat", "coat")


# ---- painting ----


def test_coverage_of_a_rectangle_is_its_area() -> None:
    raster = Raster(40, 30, 10.0)
    outline = box(0.5, 0.5, 2.0, 1.5)
    window = raster.window([outline])
    assert window is not None
    edge = 2 * (20 + 15)
    assert 20 * 15 <= raster.coverage([outline], window).sum() <= 20 * 15 + 0.75 * edge, "OpenCV's edges are generous"
    assert raster.window([box(9, 9, 1, 1)]) is None


def test_the_shoulder_leaves_dark_light_and_never_reaches_white() -> None:
    light = np.array([0.0, 0.3, 0.55, 1.0, 100.0])
    developed = shoulder(light)
    assert (developed[:3] == light[:3]).all() and (np.diff(developed) > 0).all() and developed[-1] < 1


def test_points_are_read_from_text() -> None:
    assert points(".5 -1, 2 .25") == [(0.5, -1.0), (2.0, 0.25)]


# ---- what bad settings get ----


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--scenes", 0), ("SCENES", "from 1")),
        (("--width", 10), ("WIDTH", "from 192")),
        (("--seed", -1), ("SEED", "from 0")),
        (("--sheet", "sheet.jpg"), ("sheet.jpg", ".png")),
    ],
)
def test_bad_settings_stop_before_any_work(flags: tuple[str, object], words: tuple[str, ...], tmp_path: Path) -> None:
    result = run_script(SCRIPT, *flags, "--output", tmp_path / "set")
    assert_user_error(result, *words)
    assert not (tmp_path / "set").exists()
