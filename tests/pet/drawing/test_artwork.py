"""The drawings: everything in data/pet comes out of the SVGs, and all of it is fit to be worn."""

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from common.errors import UserError
from common.genres import GENRES
from common.paths import DATA
from common.surveys.survey import open_survey
from pet.choosing.wardrobe import SLOTS, load_bodies, load_wardrobe
from pet.drawing.artwork import SAMPLE_TASTES, read_drawing, sample_users
from pet.drawing.coats import DRAWN_IN, MARKINGS
from tests.helpers import assert_user_error, run_script

pytestmark = pytest.mark.slow
PET_DATA = DATA / "pet"
KINDS = ("Body", *SLOTS)
PICTURES = sorted(str(path.relative_to(PET_DATA)) for kind in KINDS for path in (PET_DATA / kind).glob("*.png"))
DRAWINGS = sorted((PET_DATA / "art").glob("*/*.svg"))


def pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        assert image.mode == "RGBA"
        return np.asarray(image)


@pytest.fixture(scope="module")
def redrawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("redrawn")
    flags = ("--output", folder / "pet", "--sheet", folder / "sheet.png", "--compress-level", 1)  # pixels are compared
    result = run_script("pet/0_Draw_Data.py", *flags)
    assert result.returncode == 0, result.stderr
    return folder


# ---- drawn again ----


def test_every_picture_is_drawn_again_to_the_pixel(redrawn: Path) -> None:
    again = sorted(str(path.relative_to(redrawn / "pet")) for path in (redrawn / "pet").rglob("*.png"))
    coats = sorted(str(path.relative_to(PET_DATA)) for path in (PET_DATA / "Body").glob("*/*.png"))
    assert len(coats) == len(DRAWN_IN) + len(MARKINGS)
    assert again == sorted(PICTURES + coats)
    different = [file for file in again if not np.array_equal(pixels(redrawn / "pet" / file), pixels(PET_DATA / file))]
    assert not different


@pytest.mark.parametrize("name", ["AccessoryDataset.csv", "users.csv"])
def test_every_table_is_written_again_to_the_byte(name: str, redrawn: Path) -> None:
    assert (redrawn / "pet" / name).read_bytes() == (PET_DATA / name).read_bytes()


def test_the_overview_shows_something_of_every_picture(redrawn: Path) -> None:
    sheet = Image.open(redrawn / "sheet.png")
    assert sheet.mode == "RGB" and sheet.width > 2000
    assert len(sheet.reduce(4).getcolors(1 << 20) or []) > 1000


# ---- the pictures ----


@pytest.mark.parametrize("file", PICTURES)
def test_a_picture_is_rgba_on_the_canvas_within_it_and_not_blank(file: str) -> None:
    picture = pixels(PET_DATA / file)
    assert picture.shape == (1024, 1024, 4)
    alpha = picture[..., 3]
    border = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    assert not border.any(), "cut by the edge of the canvas"
    assert (alpha == 255).mean() > 0.002
    assert ((alpha > 0) & (alpha < 255)).any(), "not anti-aliased"
    assert len(np.unique(picture[::4, ::4][alpha[::4, ::4] == 255], axis=0)) >= 3
    with Image.open(PET_DATA / file) as image:
        assert not image.info, "metadata"


def test_no_two_pictures_are_the_same() -> None:
    contents = [pixels(PET_DATA / file).tobytes() for file in PICTURES]
    assert len(set(contents)) == len(PICTURES)


@pytest.mark.parametrize("slot", SLOTS)
def test_every_accessory_shows_on_every_body_at_128_px(slot: str) -> None:
    bodies = {name: Image.open(path).reduce(8) for name, path in load_bodies().items()}
    for accessory in load_wardrobe().slots[slot]:
        layer = Image.open(accessory.file).reduce(8)
        for name, body in bodies.items():
            worn = np.asarray(Image.alpha_composite(body, layer), np.int16)
            changed = (np.abs(worn - np.asarray(body, np.int16)).max(axis=-1) > 40).sum()
            assert changed > 60, f"{accessory.name} on {name}: {changed} px"


# ---- the drawings ----


def palette() -> set[str]:
    lines = (PET_DATA / "art/palette.gpl").read_text(encoding="utf-8").splitlines()
    colours = [re.match(r"\s*(\d+)\s+(\d+)\s+(\d+)\s", line) for line in lines]
    return {f"#{int(m[1]):02x}{int(m[2]):02x}{int(m[3]):02x}" for m in colours if m}


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_every_colour_is_of_the_palette(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    used = set(re.findall(r"""(?:fill|stroke|color|stop-color|flood-color)\s*(?:=\s*["']|:)\s*([^"';]+)""", text))
    used = {colour.strip().lower() for colour in used} - {"none"}
    named = {colour for colour in used if not colour.startswith("url(#")}
    assert named
    assert named <= palette()
    ids = set(re.findall(r'\bid="([^"]+)"', text))
    assert {colour[5:-1] for colour in used - named} <= {name.lower() for name in ids}
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", re.sub(r"(url\(#|href=\"#)[^)\"]*", "", text))) <= palette()


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_a_drawing_needs_nothing_outside_itself(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<(image|text|script|foreignObject|style)\b", text)
    assert not re.search(r"href=\"(?!#)", text)


def test_every_drawing_has_its_picture_and_its_row() -> None:
    assert sorted(str(path.relative_to(PET_DATA / "art").with_suffix(".png")) for path in DRAWINGS) == PICTURES
    with open(PET_DATA / "AccessoryDataset.csv", encoding="utf-8", newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    for path in DRAWINGS:
        drawing = read_drawing(path)
        kind = path.parent.name
        if kind == "Body":
            assert not drawing.genres
            continue
        row = rows.pop(f"{kind}/{path.stem}.png")
        assert (row["name"], row["type"]) == (drawing.name, kind)
        assert {genre: float(row[genre]) for genre in GENRES if float(row[genre])} == drawing.genres
    assert not rows


# ---- enough of all ----


def test_there_are_enough_bodies_accessories_and_users() -> None:
    wardrobe = load_wardrobe()
    assert len(load_bodies()) >= 3
    assert all(len(wardrobe.slots[slot]) >= 16 for slot in SLOTS)
    with open(PET_DATA / "users.csv", encoding="utf-8", newline="") as file:
        users = list(csv.DictReader(file))
    assert len({row["user"] for row in users}) == len(users) == 24


@pytest.mark.parametrize("slot", SLOTS)
def test_every_genre_is_the_main_genre_of_an_accessory(slot: str) -> None:
    mains = {list(GENRES)[index] for index in load_wardrobe().vectors(slot).argmax(axis=1)}
    assert mains == set(GENRES)


def test_sample_users_are_who_their_author_says() -> None:
    vectors: dict[str, NDArray[np.float32]] = {}
    for ids, batch in open_survey(PET_DATA / "users.csv").batches():
        vectors |= dict(zip(ids.to_pylist(), batch, strict=True))
    assert list(vectors) == list(SAMPLE_TASTES) == [row["user"] for row in sample_users()]
    for name, favourites in SAMPLE_TASTES.items():
        first, weight = favourites.split(",")[0].split()
        assert vectors[name].max() == pytest.approx(float(weight))
        assert vectors[name][list(GENRES).index(first)] == pytest.approx(float(weight))


# ---- a drawing of one's own ----

GOOD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1024 1024" data-genres="folk 1.0, rock 0.3">
<title>Straw hat</title><circle cx="512" cy="200" r="100" fill="#ffd654" stroke="#2b1f3d" stroke-width="13"/></svg>"""


def art_of_one_s_own(folder: Path) -> Path:
    (folder / "art/Body").mkdir(parents=True)
    shutil.copy(PET_DATA / "art/Body/Cat.svg", folder / "art/Body")
    for slot in SLOTS:
        (folder / "art" / slot).mkdir()
        text = GOOD.replace("Straw hat", f"Straw {slot}")
        (folder / "art" / slot / "Straw.svg").write_text(text, encoding="utf-8")
    return folder / "art"


def test_a_new_svg_becomes_an_accessory(tmp_path: Path) -> None:
    art = art_of_one_s_own(tmp_path)
    out = tmp_path / "out"
    result = run_script("pet/0_Draw_Data.py", "--art", art, "--output", out, "--sheet", tmp_path / "sheet.png")
    assert result.returncode == 0, result.stderr
    accessory = load_wardrobe(out / "AccessoryDataset.csv").find("Straw Head")
    weights = dict(zip(GENRES, accessory.vector, strict=True))
    assert {genre: weight for genre, weight in weights.items() if weight} == {"folk": 1.0, "rock": 0.3}
    picture = pixels(accessory.file)
    assert picture[200, 512].tolist() == [255, 214, 84, 255]
    assert not picture[600, 512].any()


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("0 0 1024 1024", "0 0 512 512", "viewBox"),
        ("<title>Straw hat</title>", "", "title"),
        ("folk 1.0", "polka 1.0", "polka"),
        ("folk 1.0", "folk 1.5", "folk 1.5"),
        ("folk 1.0", "folk", "'folk'"),
        ("</svg>", "", "not an SVG"),
    ],
)
def test_a_faulty_svg_is_named(old: str, new: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "hat.svg"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_drawing(path)
    assert "hat.svg" in str(error.value) and word in str(error.value)


def test_a_faulty_svg_stops_the_script_before_it_writes(tmp_path: Path) -> None:
    art = art_of_one_s_own(tmp_path)
    (art / "Face/Bad.svg").write_text(GOOD.replace("folk 1.0", "polka 1.0"), encoding="utf-8")
    out = tmp_path / "out"
    result = run_script("pet/0_Draw_Data.py", "--art", art, "--output", out, "--sheet", tmp_path / "sheet.png")
    assert_user_error(result, "Bad.svg", "polka")
    assert not out.exists()


def test_a_folder_without_drawings_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run_script("pet/0_Draw_Data.py", "--art", tmp_path / "no", "--output", out, "--sheet", tmp_path / "s.png")
    assert_user_error(result)
    assert not out.exists()
