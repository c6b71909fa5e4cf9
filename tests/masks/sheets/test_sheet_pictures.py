"""Animations, JPEG sheets and Phaser 3 layouts become frames; damaged and huge files end in one line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from common.errors import UserError
from masks.sheets.cells import cut_frame
from masks.sheets.grid_finder import GridSettings
from masks.sheets.pairing import find_sheets, plan_split
from masks.sheets.sheet_pictures import read_sheet
from tests.helpers import REAL_DATA, needs_real_data
from tests.masks.sample_sets import damage, drawn_pair

CASES = REAL_DATA / "masks/cases"
FORMATS: dict[str, dict[str, Any]] = {"gif": {"disposal": 2}, "png": {}, "webp": {"lossless": True, "exact": True}}
DURATIONS = [80, 120, 40, 200]


def frames_of(half: int) -> list[Image.Image]:
    return [Image.fromarray(drawn_pair(seed)[half]) for seed in range(len(DURATIONS))]


def save_animation(path: Path, frames: list[Image.Image]) -> Path:
    options = FORMATS[path.suffix[1:]]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=DURATIONS[: len(frames)], loop=0, **options)
    return path


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_animation_becomes_its_frames_with_durations(suffix: str, tmp_path: Path) -> None:
    files = [save_animation(tmp_path / f"{name}.{suffix}", frames_of(half)) for half, name in enumerate(("b", "c"))]
    plan = plan_split(find_sheets([files[0]], [files[1]], None, None), GridSettings(), scale=1, keep_empty=False)
    cut = list(plan.frames())
    assert [number for number, _, _ in cut] == ["00", "01", "02", "03"]
    for seed, (_, *pair) in enumerate(cut):
        for frame, drawn in zip(pair, drawn_pair(seed)[:2], strict=True):
            assert np.array_equal(frame[..., 3], drawn[..., 3])
            assert np.abs(frame.astype(int) - drawn)[drawn[..., 3] > 0].max() <= (0 if suffix != "gif" else 8)
    assert list(read_sheet(files[0]).durations_ms) == DURATIONS


def test_an_animation_without_one_frame_is_paired_by_its_poses(tmp_path: Path) -> None:
    base, clothed = frames_of(0), frames_of(1)
    files = save_animation(tmp_path / "b.png", base), save_animation(tmp_path / "c.png", [clothed[0], *clothed[2:]])
    plan = plan_split(find_sheets([files[0]], [files[1]], None, None), GridSettings(), scale=1, keep_empty=False)
    assert plan.numbers == ["00", "02", "03"]
    for number, *pair in plan.frames():
        for frame, drawn in zip(pair, drawn_pair(int(number))[:2], strict=True):
            assert np.array_equal(frame, drawn)


def test_an_animation_beside_a_still_picture_is_refused(tmp_path: Path) -> None:
    base, clothed = save_animation(tmp_path / "b.gif", frames_of(0)), tmp_path / "c.png"
    frames_of(1)[0].save(clothed)
    with pytest.raises(UserError, match=r"b.gif is an animation, but .*c.png a single picture"):
        plan_split(find_sheets([base], [clothed], None, None), GridSettings(), scale=1, keep_empty=False)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("keep", [0.5, 0.8])
def test_a_truncated_animation_ends_in_one_line(suffix: str, keep: float, tmp_path: Path) -> None:
    path = save_animation(tmp_path / f"cut.{suffix}", frames_of(0))
    damage(path, keep)
    with pytest.raises(UserError, match="cut"):
        read_sheet(path)


def test_a_huge_animation_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    frames = [Image.new("L", (6000, 6000), shade) for shade in (0, 255)]
    frames[0].save(tmp_path / "huge.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(UserError, match="2 frames of 6000 x 6000 px are larger than the limit"):
        read_sheet(tmp_path / "huge.gif")


@pytest.mark.parametrize(("textures", "fault"), [([], "has 0"), ([{}, {}], "has 2"), ([7], "must be an object")])
def test_a_phaser_layout_needs_one_texture(textures: list[object], fault: str, tmp_path: Path) -> None:
    from masks.sheets.layout_files import read_layout

    path = tmp_path / "p3.json"
    path.write_text(json.dumps({"textures": textures}))
    with pytest.raises(UserError, match=fault):
        read_layout(path, (64, 64))


@needs_real_data("masks/cases")
@pytest.mark.parametrize(
    ("files", "count", "size"),
    [
        (["gif/anim_base.gif", "gif/anim_clothed.gif"], 8, 64),
        (["jpgsheet/jpgwhite_base.jpg", "jpgsheet/jpgwhite_clothed.jpg"], 24, 32),
        (["phaser3/p3_base.png", "phaser3/p3_clothed.png"], 12, 64),
    ],
    ids=["gif", "jpgsheet", "phaser3"],
)
def test_real_files_of_other_programs(files: list[str], count: int, size: int) -> None:
    base, clothed = (CASES / file for file in files)
    layouts = [path.with_suffix(".json") for path in (base, clothed) if path.with_suffix(".json").is_file()]
    sheets = find_sheets([base], [clothed], *layouts) if layouts else find_sheets([base], [clothed], None, None)
    plan = plan_split(sheets, GridSettings(), None, False)
    assert len(plan.numbers) == count
    pair = plan.record.sheets[0]
    for path, layout in ((base, pair.base), (clothed, pair.clothed)):
        for cell in layout.cells.values():
            assert cut_frame(read_sheet(path).pixels, cell).shape == (size, size, 4)
