"""Cut-outs that are older than the masks that a person made."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.images import png_bytes
from masks.cutouts.stale import stale_cutouts
from masks.sets.pairs import mask_image
from masks.sets.pixel_art import enlarge
from masks.sets.signatures import write_signed
from masks.sets.working_set import write_reviewed
from tests.masks.sample_sets import drawn_pair, save, write_working_set

OLD, NEW = 1_000_000, 2_000_000  # times of change in seconds


@pytest.fixture
def cutouts(tmp_path: Path) -> dict[str, Path]:
    """Cut-outs 00 to 02 with signed masks of the same time, and a training folder with the frames, enlarged twice."""
    write_working_set(tmp_path / "td", range(3), [])
    made = {}
    for seed in range(3):
        number, (base, clothed, mask) = f"{seed:02d}", drawn_pair(seed)
        made[number] = tmp_path / f"out/cutouts/cutout_{number}.png"
        write_signed(made[number], png_bytes(Image.fromarray(np.where(mask[..., None] > 0, clothed, 0).astype("u1"))))
        write_signed(tmp_path / f"out/masks/mask_{number}.png", png_bytes(mask_image(mask)))
        for kind, picture in (("base", base), ("clothed", clothed)):
            save(tmp_path / f"td/frames/{kind}_frame_{number}.png", enlarge(picture, 2))
        save(tmp_path / f"td/masks_corrected/mask_{number}.png", enlarge(mask, 2))
    for path in tmp_path.rglob("*.png"):
        os.utime(path, (OLD, OLD))
    return made


def test_only_masks_of_a_person_make_cut_outs_stale(cutouts: dict[str, Path], tmp_path: Path) -> None:
    painted, reviewed = tmp_path / "out/masks/mask_00.png", tmp_path / "td/masks_corrected/mask_01.png"
    for path in (painted, reviewed):
        os.utime(path, (NEW, NEW))
    assert stale_cutouts(cutouts, tmp_path / "td") == [], "one is a script's, one is not reviewed"
    write_reviewed(tmp_path / "td", ["01", "02"])
    assert stale_cutouts(cutouts, tmp_path / "td") == ["01"], "02 is reviewed, but not newer"
    save(painted, np.zeros((48, 48), np.uint8))
    assert stale_cutouts(cutouts, tmp_path / "td") == ["00", "01"]
    os.utime(cutouts["01"], (NEW, NEW))
    assert stale_cutouts(cutouts, tmp_path / "td") == ["00"]


def test_masks_of_other_frames_with_the_same_numbers_do_not_count(cutouts: dict[str, Path], tmp_path: Path) -> None:
    os.utime(tmp_path / "td/masks_corrected/mask_01.png", (NEW, NEW))
    write_reviewed(tmp_path / "td", ["01"])
    save(tmp_path / "td/frames/clothed_frame_01.png", enlarge(drawn_pair(7)[1], 2))
    assert stale_cutouts(cutouts, tmp_path / "td") == []
