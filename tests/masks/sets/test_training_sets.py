"""The sets that a training folder holds, and every fault of a data set."""

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.errors import UserError
from common.images import read_image
from masks.sets.checking import check_mask
from masks.sets.naming import base_name, clothed_name, mask_name
from masks.sets.pairs import FramePair, read_mask, read_pair
from masks.sets.training_sets import WORKING_SET, FrameSet, gather_training_data
from masks.sets.working_set import write_reviewed
from tests.helpers import REAL_DATA, needs_bad_inputs, needs_real_data
from tests.masks.sample_sets import (
    SIDE,
    damage,
    drawn_pair,
    hostile_pictures,
    save,
    touch,
    write_archive,
    write_pair,
    write_working_set,
)


def refused(folder: Path) -> str:
    with pytest.raises(UserError) as error:
        gather_training_data(folder)
    return str(error.value)


# ---- what is gathered ----


def contents(sets: list[FrameSet]) -> dict[str, list[str]]:
    return {frame_set.name: [pair.number for pair in frame_set.pairs] for frame_set in sets}


def test_every_set_is_found_by_its_name_and_the_working_set_comes_first(training_data: Path) -> None:
    shutil.copytree(training_data / "frames_backup_walk_east", training_data / "backups/1/frames_backup_old")
    sets = gather_training_data(training_data)
    assert [frame_set.name for frame_set in sets] == [WORKING_SET, "run west", "walk_east"]
    assert contents(sets)["walk_east"] == ["00", "01", "02", "03"]
    folders = {frame_set.name: {pair.mask.parent.name for pair in frame_set.pairs if pair.mask} for frame_set in sets}
    assert folders == {
        WORKING_SET: {"masks_corrected"},
        "run west": {"masks_initial_backup_run west"},
        "walk_east": {"masks_backup_walk_east"},
    }


def test_masks_that_are_not_reviewed_never_train(training_data: Path) -> None:
    assert contents(gather_training_data(training_data))[WORKING_SET] == ["00", "02"]
    write_reviewed(training_data, [])
    assert WORKING_SET not in contents(gather_training_data(training_data))
    (training_data / "masks_corrected/reviewed.json").unlink()
    assert WORKING_SET not in contents(gather_training_data(training_data))


def test_corrected_masks_win_over_proposed_ones(training_data: Path) -> None:
    write_archive(training_data, "run west", range(10, 12), "masks_backup")
    run_west = next(s for s in gather_training_data(training_data) if s.name == "run west")
    assert {pair.mask.parent.name for pair in run_west.pairs if pair.mask} == {"masks_backup_run west"}


def as_palette(path: Path) -> None:
    with Image.open(path) as image:
        image.convert("RGB").quantize(16).save(path)


def as_rgb(path: Path) -> None:
    with Image.open(path) as image:
        image.convert("RGB").save(path)


def as_16_bits(path: Path) -> None:
    with Image.open(path) as image:
        grey = np.asarray(image.convert("L")).astype(np.uint16) * 257
    Image.fromarray(grey).save(path)


def empty_frame(folder: Path) -> None:
    for name in (base_name("02"), clothed_name("02")):
        save(folder / "frames_backup_walk_east" / name, np.zeros((SIDE, SIDE, 4), np.uint8))
    save(folder / "masks_backup_walk_east/mask_02.png", np.zeros((SIDE, SIDE), np.uint8))


def several_empty_frames(folder: Path) -> None:
    empty_frame(folder)
    for number in ("00", "01"):
        for half in ("base", "clothed"):
            save(folder / f"frames_backup_run west/{half}_frame_{number}.png", np.zeros((SIDE, SIDE, 4), np.uint8))
        save(folder / f"masks_initial_backup_run west/mask_{number}.png", np.zeros((SIDE, SIDE), np.uint8))


def other_sizes(folder: Path) -> None:
    base, clothed, mask = drawn_pair(77, 57)
    for name, picture in ((base_name("02"), base[:50]), (clothed_name("02"), clothed[:50])):
        save(folder / "frames_backup_walk_east" / name, picture)
    save(folder / "masks_backup_walk_east/mask_02.png", mask[:50])


def pose_held(folder: Path) -> None:
    write_pair(folder / "frames_backup_walk_east", folder / "masks_backup_walk_east", "99", 1)


def one_body(folder: Path) -> None:
    """The same base body in two sets, in other clothes."""
    body = folder / "frames_backup_walk_east/base_frame_00.png"
    shutil.copy(body, folder / "frames_backup_run west/base_frame_00.png")
    clothed = np.array(Image.open(body))
    clothed[20:30, :30] = (0, 200, 0, 255)
    save(folder / "frames_backup_run west/clothed_frame_00.png", clothed)
    save(
        folder / "masks_initial_backup_run west/mask_00.png", np.where(clothed[..., 1] == 200, 255, 0).astype(np.uint8)
    )


def nothing_worn(folder: Path) -> None:
    """The clothed frame shows the bare body in another light, and the mask is black."""
    base = np.array(Image.open(folder / "frames_backup_walk_east/base_frame_02.png"))
    light = base.copy()
    light[..., :3] = (base[..., :3] * np.array([0.8, 0.85, 0.9])).astype(np.uint8)
    save(folder / "frames_backup_walk_east/clothed_frame_02.png", light)
    save(folder / "masks_backup_walk_east/mask_02.png", np.zeros((SIDE, SIDE), np.uint8))


EAST = "frames_backup_walk_east"


MASK_01 = "masks_backup_walk_east/mask_01.png"


def opaque_pair(folder: Path) -> None:
    as_rgb(folder / EAST / base_name("01"))
    as_rgb(folder / EAST / clothed_name("01"))


def deep_pair(folder: Path) -> None:
    as_16_bits(folder / EAST / base_name("01"))
    as_16_bits(folder / EAST / clothed_name("01"))


def one_bit_mask(folder: Path) -> None:
    save(folder / MASK_01, read_mask(folder / MASK_01) > 0)


def mask_in_upper_case(folder: Path) -> None:
    (folder / MASK_01).rename((folder / MASK_01).with_suffix(".PNG"))


def many_digits(folder: Path) -> None:
    write_pair(folder / EAST, folder / "masks_backup_walk_east", "9" * 60, 500)


VALID: dict[str, Callable[[Path], None]] = {
    "RGB frames": opaque_pair,
    "a palette frame": lambda f: as_palette(f / EAST / clothed_name("01")),
    "a 16-bit pair": deep_pair,
    "a 16-bit mask": lambda f: as_16_bits(f / MASK_01),
    "an RGB mask": lambda f: as_rgb(f / MASK_01),
    "a 1-bit mask": one_bit_mask,
    "a mask in upper case": mask_in_upper_case,
    "an empty frame": empty_frame,
    "empty frames in two sets": several_empty_frames,
    "frames of several sizes": other_sizes,
    "a pose held in one set": pose_held,
    "one body in two sets": one_body,
    "nothing worn": nothing_worn,
    "a number of many digits": many_digits,
}


@pytest.mark.parametrize("what", VALID)
def test_valid_input_is_gathered_without_a_word(what: str, training_data: Path) -> None:
    VALID[what](training_data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sets = gather_training_data(training_data)
    assert [frame_set.name for frame_set in sets] == [WORKING_SET, "run west", "walk_east"]
    for frame_set in sets:
        for pair in frame_set.pairs:
            assert pair.mask is not None
            base, clothed = read_pair(pair)
            assert base.shape == clothed.shape == (*read_mask(pair.mask).shape, 4)


def test_an_animation_of_one_frame_trains_and_is_named(training_data: Path) -> None:
    write_archive(training_data, "blink", range(30, 31))
    with pytest.warns(UserWarning, match=r"frames_backup_blink: an animation of one frame"):
        assert contents(gather_training_data(training_data))["blink"] == ["00"]


def test_an_animated_picture_gives_its_first_frame_and_says_so(training_data: Path) -> None:
    path = training_data / EAST / clothed_name("01")
    with Image.open(path) as image:
        image.save(path, save_all=True, append_images=[image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)])
    with pytest.warns(UserWarning, match=r"clothed_frame_01\.png: an animation; its first frame is used"):
        assert contents(gather_training_data(training_data))["walk_east"] == ["00", "01", "02", "03"]


# ---- faults ----


def change_mask(folder: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    path = folder / "masks_backup_walk_east/mask_02.png"
    with Image.open(path) as image:
        mask = np.array(image)
    save(path, change(mask))


def soften(mask: np.ndarray) -> np.ndarray:
    mask[10, 10] = 128
    return mask


def colour(mask: np.ndarray) -> np.ndarray:
    rgb = np.repeat(mask[..., None], 3, axis=2)
    rgb[..., 1] = 0
    return rgb


def duplicate(folder: Path) -> None:
    """Re-encoded, with other colours under alpha 0, and under another number."""
    for half in ("base", "clothed"):
        picture = np.array(Image.open(folder / EAST / f"{half}_frame_01.png"))
        picture[picture[..., 3] == 0] = (7, 8, 9, 0)
        save(folder / f"frames_backup_run west/{half}_frame_01.png", picture, compress_level=0)
    shutil.copy(folder / "masks_backup_walk_east/mask_01.png", folder / "masks_initial_backup_run west/mask_01.png")


def empty_folder(folder: Path) -> None:
    for path in (folder / EAST).iterdir():
        path.unlink()


BASE_02, CLOTHED_02 = f"{EAST}/base_frame_02.png", f"{EAST}/clothed_frame_02.png"
MASK_02 = "masks_backup_walk_east/mask_02.png"


FAULTS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "other size": (
        lambda f: save(f / BASE_02, np.zeros((40, SIDE, 4), np.uint8)),
        ["base_frame_02.png and clothed_frame_02.png: sizes differ, 48 x 40 but 48 x 48 px"],
    ),
    "no clothed half": (lambda f: (f / CLOTHED_02).unlink(), ["base_frame_02.png: has no clothed_frame_02.png"]),
    "no base half": (lambda f: (f / BASE_02).unlink(), ["clothed_frame_02.png: has no base_frame_02.png"]),
    "no mask": (
        lambda f: (f / MASK_02).unlink(),
        ["base_frame_02.png: has no mask masks_backup_walk_east/mask_02.png"],
    ),
    "no pair": (
        lambda f: shutil.copy(f / MASK_02, f / "masks_backup_walk_east/mask_77.png"),
        ["masks_backup_walk_east/mask_77.png: has no pair in frames_backup_walk_east/"],
    ),
    "no masks": (
        lambda f: shutil.rmtree(f / "masks_backup_walk_east"),
        ["frames_backup_walk_east: has no masks_backup_walk_east/"],
    ),
    "no frames": (lambda f: shutil.rmtree(f / EAST), ["masks_backup_walk_east: has no frames_backup_walk_east/"]),
    "empty frames": (empty_folder, [EAST, "no frames; they must be named"]),
    "number twice": (
        lambda f: [shutil.copy(f / name, f / name.replace("02", "2")) for name in (BASE_02, CLOTHED_02)],
        ["base_frame_2.png: has the same number as base_frame_02.png"],
    ),
    "other name": (
        lambda f: (f / BASE_02).rename(f / EAST / "base_frame_two.png"),
        ["base_frame_two.png: is not named base_frame_XX.png"],
    ),
    "truncated frame": (lambda f: damage(f / CLOTHED_02, 0.6), ["clothed_frame_02.png: truncated or damaged"]),
    "empty file": (lambda f: damage(f / CLOTHED_02, 0), ["clothed_frame_02.png: is empty"]),
    "truncated mask": (lambda f: damage(f / MASK_02, 0.6), ["mask_02.png: truncated or damaged"]),
    "text": (lambda f: (f / BASE_02).write_text("hello"), ["base_frame_02.png: is not a picture"]),
    "other mask size": (lambda f: change_mask(f, lambda m: m[:40]), ["mask_02.png: is 48 x 40 px, the frames 48 x 48"]),
    "one grey pixel": (lambda f: change_mask(f, soften), ["mask_02.png: 1 of its 2304 pixels are neither 0 nor 255"]),
    "a class index": (
        lambda f: change_mask(f, lambda m: m // 255),
        ["mask_02.png: 224 of its 2304 pixels are neither"],
    ),
    "coloured": (lambda f: change_mask(f, colour), ["mask_02.png: has colours; a mask is opaque, black (0) and white"]),
    "see-through": (lambda f: change_mask(f, lambda m: np.stack([m] * 4, 2)), ["mask_02.png: has transparent pixels"]),
    "inverted": (
        lambda f: change_mask(f, lambda m: 255 - m),
        ["mask_02.png: white where both frames are equal; is it inverted?"],
    ),
    "all white": (lambda f: change_mask(f, lambda m: m | 255), ["mask_02.png: white where both frames are equal"]),
    "all black": (
        lambda f: change_mask(f, lambda m: m & 0),
        ["mask_02.png: all black, but the clothed frame clearly differs"],
    ),
    "same frame": (
        duplicate,
        ["walk_east/clothed_frame_01.png: the same frame as", "run west/clothed_frame_01.png"],
    ),
    "reviewed, no mask": (
        lambda f: (f / "masks_corrected/mask_02.png").unlink(),
        ["frames/base_frame_02.png: has no mask masks_corrected/mask_02.png"],
    ),
    "reviewed, no frame": (
        lambda f: write_reviewed(f, ["00", "55"]),
        ["masks_corrected/mask_55.png: has no pair in frames/"],
    ),
    "reviewed, no frames": (lambda f: shutil.rmtree(f / "frames"), ["frames: no such folder of frames"]),
    "damaged flags": (lambda f: damage(f / "masks_corrected/reviewed.json", 0.5), ["reviewed.json: damaged"]),
    "reviewed, inverted": (
        lambda f: save(f / "masks_corrected/mask_02.png", 255 - drawn_pair(22)[2]),
        ["masks_corrected/mask_02.png: white where both frames are equal"],
    ),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_is_one_line_that_names_file_and_fault(what: str, training_data: Path) -> None:
    make, words = FAULTS[what]
    make(training_data)
    message = refused(training_data)
    for word in words:
        assert word in message
    assert str(training_data) in message
    of_both_halves = ("number twice", "other name")
    assert len(message.splitlines()) == (3 if what in of_both_halves else 1)


def test_all_faults_of_all_sets_are_listed_at_once(training_data: Path) -> None:
    together = ["other size", "truncated mask", "no pair", "reviewed, no mask", "same frame"]
    for what in together:
        FAULTS[what][0](training_data)
    damage(training_data / "masks_initial_backup_run west/mask_00.png", 0.3)
    message = refused(training_data)
    assert message.splitlines()[0] == "6 faults"
    for what in together:
        assert FAULTS[what][1][0] in message
    assert "initial_backup_run west/mask_00.png: truncated" in message


def test_frame_and_mask_of_one_pair_are_both_named(training_data: Path) -> None:
    damage(training_data / EAST / base_name("02"), 0.5)
    change_mask(training_data, soften)
    assert "base_frame_02.png" in refused(training_data) and "mask_02.png" in refused(training_data)


def test_a_folder_with_nothing_to_train_on_says_what_it_needs(tmp_path: Path) -> None:
    assert "frames_backup_<animation>/ with masks_backup_<animation>/" in refused(tmp_path)
    write_working_set(tmp_path, range(2), [])
    assert "or reviewed masks of frames/ in masks_corrected/" in refused(tmp_path)
    assert "no such folder" in refused(tmp_path / "none")


def test_inverted_masks_are_found_on_opaque_backgrounds_too() -> None:
    pair = FramePair("0", Path("b"), Path("c"), Path("m"))
    base, clothed, mask = drawn_pair(3)
    for background in ((0, 0, 0), (250, 250, 250), (10, 200, 90)):
        opaque = [np.where(p[..., 3:] > 0, p, np.array([*background, 255], np.uint8)) for p in (base, clothed)]
        check_mask(pair, opaque[0], opaque[1], mask)
        with pytest.raises(UserError, match="inverted"):
            check_mask(pair, opaque[0], opaque[1], 255 - mask)


@needs_bad_inputs
def test_hostile_pictures_are_read_or_refused(tmp_path: Path) -> None:
    pictures = hostile_pictures(tmp_path / "images")
    assert len(pictures) > 20
    for number, (source, is_valid) in enumerate(pictures):
        folder = tmp_path / f"{number}"
        frames, masks = touch(folder / "frames_backup_x"), touch(folder / "masks_backup_x")
        for name in (base_name("0"), clothed_name("0")):
            (shutil.copytree if source.is_dir() else shutil.copy)(source, frames / name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            size = read_image(source).size if is_valid else (9, 9)
            save(masks / mask_name("0"), np.zeros(size[::-1], np.uint8))
            if is_valid:
                assert contents(gather_training_data(folder)) == {"x": ["0"]}, source.name
            else:
                assert "frames_backup_x/base_frame_0.png" in refused(folder), source.name


@needs_real_data("masks")
def test_real_masks_pass_and_their_inversions_do_not() -> None:
    sets = gather_training_data(REAL_DATA / "masks")
    folders = {path.name for path in (REAL_DATA / "masks").glob("frames_backup_*")}
    assert {f"frames_backup_{frame_set.name}" for frame_set in sets} == folders and all(each.pairs for each in sets)
    all_black = 0
    pairs = [pair for frame_set in sets for pair in frame_set.pairs[::5]]
    for pair in pairs:
        assert pair.mask is not None
        frames, mask = read_pair(pair), read_mask(pair.mask)
        with pytest.raises(UserError, match="inverted"):
            check_mask(pair, *frames, 255 - mask)
        try:
            check_mask(pair, *frames, mask * 0)
        except UserError:
            all_black += 1
    assert all_black > 0.9 * len(pairs), "a garment of the very colour of the skin may pass"


# ---- frames that are archived and still in the working set ----


def archive_by_hand(folder: Path, name: str, numbers: list[str]) -> None:
    for number in numbers:
        for half in (base_name, clothed_name):
            touch(folder / f"frames_backup_{name}")
            shutil.copy(folder / "frames" / half(number), folder / f"frames_backup_{name}" / half(number))
        touch(folder / f"masks_backup_{name}")
        shutil.copy(folder / "masks_corrected" / mask_name(number), folder / f"masks_backup_{name}")


def test_archived_frames_of_the_working_set_train_once_with_the_archived_mask(training_data: Path) -> None:
    archive_by_hand(training_data, "jump", ["00", "01"])
    with pytest.warns(UserWarning, match=r"1 frames of frames/ are archived in jump; the archived masks are used$"):
        found = contents(gather_training_data(training_data))
    assert found[WORKING_SET] == ["02"] and found["jump"] == ["00", "01"]
    archive_by_hand(training_data, "jump", ["02"])
    with pytest.warns(UserWarning, match="2 frames of frames/"):
        assert WORKING_SET not in contents(gather_training_data(training_data))


def test_masks_that_were_corrected_after_archiving_are_counted(training_data: Path) -> None:
    archive_by_hand(training_data, "jump", ["00", "02"])
    mask = drawn_pair(20)[2]
    mask[16:18] = 0
    save(training_data / "masks_corrected/mask_00.png", mask)
    with pytest.warns(UserWarning, match="though 1 in masks_corrected/ differ"):
        gather_training_data(training_data)
