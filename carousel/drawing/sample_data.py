"""Files of the drawn set: scenes with clean plates and masks, cut-outs, an index and an overview."""

from dataclasses import astuple, dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from carousel.drawing.backdrops import KINDS
from carousel.drawing.characters import CALM, LIVELY, STYLES, draw_figure, neutral_light, random_look, random_pose
from carousel.drawing.height_fields import relight
from carousel.drawing.scenes import SUPERSAMPLING, Scene, draw_scene
from carousel.fusion.relighting import to_srgb, to_u8
from common.files import atomic_path, write_csv
from common.grids import picture_grid
from common.images import write_png

JPEG_QUALITY = 92
FIGURE_PX = 600  # height of 1.75 m in a full figure
HALF_SCALE = 1.5  # half figures are that much larger
HALF_FIGURE = 0.52  # what is kept of a half figure, from the top
EDGE_PX = 6  # left free around a cut-out; none below a half figure
TILE_PX = 384

TITLE = "Festivals and people drawn by the project: photo, and plate with the masks in pink"
Tile = tuple[Image.Image, str]


@dataclass(frozen=True)
class SceneRow:
    """A line of index.csv: one scene; the files are named after it."""

    name: str
    kind: str
    people: int
    width: int
    height: int


def scene_name(index: int) -> str:
    """ "meadow_1" for the first scene of a kind; the kinds take turns."""
    round_, kind = divmod(index, len(KINDS))
    return f"{list(KINDS)[kind]}_{round_ + 1}"


def scene_of_set(seed: int, index: int, width: int) -> Scene:
    """Draw scene `index` of the set of a seed, independently of the other scenes."""
    kind = list(KINDS)[index % len(KINDS)]
    return draw_scene(np.random.default_rng([seed, index]), width, width * 2 // 3, kind)


def draw_scenes(output: Path, seed: int, count: int, width: int) -> tuple[list[SceneRow], list[Tile]]:
    """Draw and write scenes; returns the rows of the index, and thumbnails."""
    rows, tiles = [], []
    for index in tqdm(range(count), desc="drawing", unit="scene"):
        name, scene = scene_name(index), scene_of_set(seed, index, width)
        write_scene(output, name, scene)
        rows.append(SceneRow(name, scene.kind, len(scene.masks), width, width * 2 // 3))
        if index < 2 * len(KINDS):  # more would not be seen on the overview
            tiles.append((_tile(scene), name))
    return rows, tiles


def write_scene(output: Path, name: str, scene: Scene) -> None:
    """Write photo, clean plate and masks; masks are named for the segmenter "files"."""
    write_jpeg(output / f"photos/{name}.jpg", scene.photo)
    write_jpeg(output / f"plates/{name}.jpg", scene.plate)
    for number, mask in enumerate(scene.masks, 1):
        write_png(output / f"masks/{name}_person{number}.png", Image.fromarray(mask), compress_level=9)


def write_jpeg(path: Path, rgb: np.ndarray) -> None:
    """Write a JPEG atomically, its colours at full resolution; `rgb` is (H, W, 3) uint8."""
    with atomic_path(path) as part:
        Image.fromarray(rgb).save(part, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)


def _tile(scene: Scene) -> Image.Image:
    """Stack the photo on the plate with the masks painted in."""
    plate = scene.plate.astype(np.float32)
    for mask in scene.masks:
        plate[mask > 0] = plate[mask > 0] * 0.35 + np.array([255, 45, 120]) * 0.65
    both = Image.fromarray(np.concatenate([scene.photo, plate.astype(np.uint8)]))
    return both.resize((TILE_PX * 3 // 4, TILE_PX), Image.Resampling.LANCZOS)


def draw_people(output: Path, seed: int, count: int) -> list[Tile]:
    """Draw and write cut-outs under neutral light; returns thumbnails."""
    tiles = []
    for index in tqdm(range(count), desc="drawing", unit="person", disable=not count):
        name = f"person_{index + 1:02d}"
        cutout = draw_cutout(np.random.default_rng([seed, 1_000_000 + index]), index)
        write_png(output / f"people/{name}.png", cutout, compress_level=9)
        tiles.append((_on_grey(cutout), name))
    return tiles


def draw_cutout(rng: np.random.Generator, index: int) -> Image.Image:
    """Draw one person as RGBA: every third a half figure, the styles in turn."""
    half = index % 3 == 2
    look = random_look(rng, STYLES[(0, 1, 0, 1, 2, 0, 1, 3)[index % 8]], child=index % 9 == 7)
    pose = random_pose(
        rng, LIVELY if index % 2 and not half else [name for name in CALM if name not in ("watching", "filming")]
    )
    figure = draw_figure(rng, look, pose, FIGURE_PX * SUPERSAMPLING * (HALF_SCALE if half else 1))
    light = relight(figure, neutral_light())
    premultiplied = np.dstack([light * figure.alpha[..., None], figure.alpha])
    if half:
        premultiplied = premultiplied[: int(len(premultiplied) * HALF_FIGURE)]
    edge = EDGE_PX * SUPERSAMPLING
    framed = cv2.copyMakeBorder(premultiplied, edge, 0 if half else edge, edge, edge, cv2.BORDER_CONSTANT, value=0)
    height, width = (side // SUPERSAMPLING for side in framed.shape[:2])
    small = cv2.resize(framed, (width, height), interpolation=cv2.INTER_AREA)
    colour = to_srgb(small[..., :3] / np.maximum(small[..., 3:], 1e-4))
    rgba = to_u8(np.dstack([colour, small[..., 3]]))
    return Image.fromarray(np.where(rgba[..., 3:] > 0, rgba, 0))


def _on_grey(cutout: Image.Image) -> Image.Image:
    tile = Image.new("RGBA", (TILE_PX * 3 // 4, TILE_PX), "#8d929c")
    small = cutout.copy()
    small.thumbnail(tile.size, Image.Resampling.LANCZOS)
    tile.alpha_composite(small, ((tile.width - small.width) // 2, tile.height - small.height))
    return tile


def write_index(output: Path, rows: list[SceneRow]) -> None:
    """Write index.csv."""
    write_csv(output / "index.csv", [[field.name for field in fields(SceneRow)], *map(astuple, rows)])


def overview(sheet: Path, tiles: list[Tile]) -> None:
    """Write all thumbnails on one sheet."""
    pictures, labels = zip(*tiles, strict=True)
    write_png(sheet, picture_grid(pictures, labels, columns=10, tile_px=TILE_PX, title=TITLE))
