"""Garments: known answers on a drawn walk; joining, splitting, files; what a cut-out is divided into."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import UserError
from common.files import file_stem
from masks.garments.garment_splitting import (
    NONE,
    GarmentPart,
    SpriteGarment,
    free_name,
    hidden_pieces,
    joined,
    label_garments,
    propose_garments,
    read_garments,
    renamed,
    seen_pieces,
    split_at_height,
    split_by_colour,
    write_garments,
)
from masks.sets.pairs import MaskedFrame
from masks.sets.pixel_art import enlarge

SKIN, SHIRT, LEGS, BROWN, INK = (230, 180, 150), (40, 90, 200), (110, 160, 60), (120, 70, 30), (20, 16, 24)
HEIGHT, WIDTH = 64, 48


def walker(step: int, art_px: int = 1) -> tuple[MaskedFrame, np.ndarray]:
    """A frame of a walk in a brown hat, a shaded shirt with outlines, trousers and brown shoes, and the true labels."""
    base = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    left = 14 + step
    base[6:20, left + 3 : left + 15] = (*SKIN, 255)
    base[20:23, left + 7 : left + 11] = (*SKIN, 255)
    base[23:60, left : left + 18] = (*SKIN, 255)
    clothed, labels = base.copy(), np.full((HEIGHT, WIDTH), NONE)
    pieces = [(3, 9, 3, 15, BROWN), (24, 40, 0, 18, SHIRT), (40, 52, 1, 17, LEGS), (54, 60, 2 + step % 2, 16, BROWN)]
    for place, (top, bottom, first, end, colour) in enumerate(pieces):
        part = slice(top, bottom), slice(left + first, left + end)
        clothed[part], labels[part] = (*INK, 255), place
        inner = slice(top + 1, bottom - 1), slice(left + first + 1, left + end - 1)
        clothed[inner] = (*colour, 255)
        shade = slice(top + 1, bottom - 1), slice(left + first + 1, left + first + 4)
        clothed[shade] = (*(np.array(colour) * 0.75).astype(np.uint8), 255)
    frame = MaskedFrame(*(enlarge(picture, art_px) for picture in (base, clothed, labels != NONE)))
    return frame, enlarge(labels, art_px)


@pytest.mark.parametrize("art_px", [1, 4])
def test_the_clothing_of_a_walk_is_split_into_named_garments(art_px: int) -> None:
    walk = [walker(step, art_px) for step in range(4)]
    garments = propose_garments([frame for frame, _ in walk])
    assert [garment.name for garment in garments] == ["hair or hat", "top", "trousers", "shoes"]
    for frame, labels in walk:
        assert (label_garments(garments, frame) == labels).mean() > 0.995


def test_a_striped_shirt_is_one_garment_and_stays_apart_from_the_trousers() -> None:
    walk = [walker(step) for step in range(4)]
    for frame, labels in walk:
        stripes = (np.arange(HEIGHT) % 4 < 2)[:, None] & (labels == 1) & (frame.clothed[..., :3] != INK).any(axis=2)
        frame.clothed[stripes] = (240, 235, 220, 255)
    garments = propose_garments([frame for frame, _ in walk])
    assert [garment.name for garment in garments] == ["hair or hat", "top", "trousers", "shoes"]
    for frame, labels in walk:
        assert (label_garments(garments, frame) == labels).mean() > 0.98


def test_a_small_piece_in_another_garment_belongs_to_it_and_one_on_its_own_stays() -> None:
    walk = [walker(step)[0] for step in range(4)]
    garments = propose_garments(walk)
    top = [garment.name for garment in garments].index("top")
    everywhere = [SpriteGarment(g.name, tuple(GarmentPart(p.colours, -9, 9) for p in g.parts)) for g in garments]
    frame, labels = walker(0)
    frame.clothed[43:49, 22:24] = (*SHIRT, 255)  # between the legs: a line in the shirt's colour
    frame.clothed[30:36, 4:7] = (*SHIRT, 255)  # a sleeve beside the body
    frame.mask[30:36, 4:7] = True
    found = label_garments(everywhere, frame)
    assert (found[43:49, 22:24] == labels[43, 22]).all() and labels[43, 22] != top
    assert (found[30:36, 4:7] == top).all()


def test_no_clothing_means_no_garments() -> None:
    frame = walker(0)[0]
    bare = MaskedFrame(frame.base, frame.base, np.zeros((HEIGHT, WIDTH), bool))
    assert propose_garments([bare]) == [] and propose_garments([]) == []
    assert (label_garments([], frame) == NONE).all()
    assert (label_garments(propose_garments([frame]), bare) == NONE).all()


def test_every_pixel_of_the_mask_has_one_garment_whatever_it_shows() -> None:
    rng = np.random.default_rng(3)
    garments = propose_garments([walker(step)[0] for step in range(2)])
    for _ in range(20):
        base, clothed = rng.integers(0, 256, (2, 20, 24, 4), np.uint8)
        mask = rng.random((20, 24)) < rng.random()
        found = label_garments(garments, MaskedFrame(base, clothed, mask))
        assert np.array_equal(found != NONE, mask & (clothed[..., 3] > 0))


def test_pieces_are_the_cut_out_with_its_soft_edges() -> None:
    frame, labels = walker(1)
    garments = propose_garments([frame])
    cutout = frame.clothed * frame.mask[..., None]
    cutout[23, 16:30] = (*SHIRT, 90)  # a soft edge outside the mask
    pieces = seen_pieces(garments, frame, cutout)
    assert np.array_equal(sum(piece.astype(int) for piece in pieces), cutout)
    assert (pieces[1][23, 16:30, 3] == 90).all()
    assert np.array_equal(pieces[2][..., 3] > 0, labels == 2)


def test_what_a_belt_hides_is_guessed_and_nothing_else() -> None:
    shirt, belt = np.zeros((2, 12, 10, 4), np.uint8)
    shirt[2:5], shirt[7:11] = (*SHIRT, 255), (*LEGS, 255)
    belt[5:7, 1:] = (*BROWN, 255)
    under, over = hidden_pieces([shirt, belt])
    assert np.array_equal(under[..., 3] > 0, belt[..., 3] > 0) and not over.any()
    assert (under[5, 1:] == (*SHIRT, 255)).all() and (under[6, 1:] == (*LEGS, 255)).all()


def test_garments_are_joined_split_and_joined_again() -> None:
    walk = [walker(step) for step in range(3)]
    garments = propose_garments([frame for frame, _ in walk])
    one = joined(garments, 1, 2)
    assert [garment.name for garment in one] == ["hair or hat", "top", "shoes"]
    for frame, labels in walk:
        assert ((label_garments(one, frame) == 1) == np.isin(labels, (1, 2))).mean() > 0.995
    parted = split_by_colour(one, 1, np.array((*LEGS, 255), np.uint8))
    assert [garment.name for garment in parted] == ["hair or hat", "top", "top 2", "shoes"]
    for frame, labels in walk:
        assert (label_garments(parted, frame) == labels).mean() > 0.995


def test_a_garment_of_one_colour_is_cut_at_a_height_in_all_frames() -> None:
    walk = [walker(step) for step in range(3)]
    garments = propose_garments([frame for frame, _ in walk])
    cut = split_at_height(garments, 1, height=(32 - 6) / 54)
    assert [garment.name for garment in cut] == ["hair or hat", "top", "top 2", "trousers", "shoes"]
    for frame, labels in walk:
        found = label_garments(cut, frame)
        upper, lower = np.nonzero(found == 1)[0], np.nonzero(found == 2)[0]
        assert upper.max() < 33 and lower.min() > 30
        assert np.mean(np.isin(found, (1, 2)) == (labels == 1)) > 0.98
    assert split_at_height(garments, 1, height=-20) == garments  # there is nothing above


def test_shades_that_were_taken_for_one_cloth_are_split() -> None:
    garments = propose_garments([walker(0)[0]])
    mixed = SpriteGarment("all", (GarmentPart(garments[1].parts[0].colours + garments[2].parts[0].colours, -9, 9),))
    parted = split_by_colour([mixed], 0, np.array((*LEGS, 255), np.uint8))
    assert [garment.name for garment in parted] == ["all", "all 2"]
    assert set(parted[1].parts[0].colours) == set(garments[2].parts[0].colours)


def test_a_garment_of_one_shade_stays_whole_by_colour() -> None:
    single = SpriteGarment("cap", (GarmentPart(((20.0, 30.0, 30.0),), -9, 9),))
    assert split_by_colour([single], 0, np.array((*BROWN, 255), np.uint8)) == [single]


def test_files_are_read_as_written_and_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "garments.json"
    assert read_garments(path) is None
    garments = propose_garments([walker(0)[0]])
    garments = [SpriteGarment("Hut, größer", garments[0].parts, True), *garments[1:]]
    write_garments(path, garments)
    assert read_garments(path) == garments
    for damage in ("[]", "{", '{"garments": [{"name": "", "left out": false, "parts": []}]}', '{"garments": 3}'):
        path.write_text(damage, encoding="utf-8")
        with pytest.raises(UserError, match=r"garments\.json: damaged"):
            read_garments(path)
    write_garments(path, renamed(garments, 0, "a\u202e\tb" + "x" * 300))
    assert (read_garments(path) or garments)[0].name.startswith("a\\u202e bx"), "what was typed can be read back"
    write_garments(path, [garments[0], garments[0]])
    with pytest.raises(UserError, match="two garments are called 'Hut, größer'"):
        read_garments(path)


@given(st.lists(st.sampled_from(["top", "Top", "top 2", "shoes"])))
def test_free_names_are_free(taken: list[str]) -> None:
    assert free_name("top", taken).casefold() not in {name.casefold() for name in taken}


def test_garments_never_share_a_folder() -> None:
    names: list[str] = []
    for name in ("a/b", "a:b", "A_B", "///", "x" * 90, "x" * 80, "top", "Top"):
        names.append(free_name(name, names))
    assert len({file_stem(name).casefold() for name in names}) == len(names)
