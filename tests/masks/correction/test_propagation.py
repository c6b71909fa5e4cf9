"""Propagation of corrections: known answers on drawn walks, other clothes, light, sizes; undo and cancelling."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from masks.correction.boxes import whole
from masks.correction.propagation import features_of, propagate, undo_light
from masks.correction.session import CorrectionSession
from masks.correction.tools import Region
from masks.model.metrics import f1_score
from masks.sets.naming import base_name, clothed_name, mask_name
from masks.sets.pairs import MaskedFrame, mask_image
from masks.sets.pixel_art import enlarge
from masks.sets.training_sets import remembered_pairs
from tests.masks.sample_sets import save

SKIN, DARK_SKIN, HAIR = (224, 172, 136), (96, 60, 44), (60, 40, 30)
SHIRT, SKINLIKE = (40, 90, 200), (190, 146, 92)
HEIGHT, WIDTH = 40, 32


def walker(step: int, skin: tuple[int, ...] = SKIN, shirt: tuple[int, ...] = SHIRT) -> MaskedFrame:
    """A frame of a walk with its true mask: shirt, and trousers of nearly the skin's colour."""
    rng = np.random.default_rng(7)  # the same grain in all frames, that moves with the body
    base = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    left = 9 + step
    base[2:9, left + 2 : left + 10] = (*HAIR, 255)
    base[9:36, left : left + 12] = (*skin, 255)
    grain = rng.integers(-6, 7, (HEIGHT, 12, 1))
    body = base[:, left : left + 12, :3].astype(int)
    base[:, left : left + 12, :3] = np.where(body.any(axis=2, keepdims=True), (body + grain).clip(0, 255), 0)
    base[30:36, left + 5 : left + 5 + step % 3] = 0  # the legs move
    clothed, mask = base.copy(), np.zeros((HEIGHT, WIDTH), bool)
    for rows, colour in ((slice(13, 22), shirt), (slice(22, 32), SKINLIKE)):
        part = np.zeros_like(mask)
        part[rows, left : left + 12] = base[rows, left : left + 12, 3] > 0
        clothed[part, :3] = np.clip(np.array(colour) + rng.integers(-3, 4, (part.sum(), 3)), 0, 255)
        mask |= part
    return MaskedFrame(base, clothed, mask)


def missing_trousers(frame: MaskedFrame) -> MaskedFrame:
    """What a model proposes that does not see the trousers."""
    mask = frame.mask.copy()
    mask[22:] = False
    return MaskedFrame(frame.base, frame.clothed, mask)


def relit(frame: MaskedFrame, strength: float) -> MaskedFrame:
    gain = 1 + strength * np.array((1, 0.4, -0.6)) + strength * np.linspace(-0.5, 0.5, HEIGHT)[:, None, None]
    clothed = np.dstack([(frame.clothed[..., :3] * gain).clip(0, 255).round(), frame.clothed[..., 3]]).astype(np.uint8)
    return MaskedFrame(frame.base, clothed, frame.mask)


@pytest.mark.parametrize("strength", [0.0, 0.08, -0.15])
@pytest.mark.parametrize("art_px", [1, 4])
def test_one_corrected_frame_corrects_the_walk(strength: float, art_px: int) -> None:
    known = [features_of(walker(0))]
    for step in range(1, 8):
        truth = walker(step).mask
        frame = relit(missing_trousers(walker(step)), strength)
        large = MaskedFrame(*(enlarge(part, art_px) for part in (frame.base, frame.clothed, frame.mask)))
        found = propagate(known, large)
        assert found is not None
        assert f1_score(frame.mask, truth) < 0.8
        assert f1_score(found[0], enlarge(truth, art_px)) > 0.96, step
        assert 0 <= found[1] < 0.1


def test_what_is_right_stays() -> None:
    known = [features_of(walker(0))]
    for step in range(1, 8):
        found = propagate(known, walker(step))
        assert found is not None and f1_score(found[0], walker(step).mask) > 0.99


def test_frames_with_other_clothes_do_not_change() -> None:
    known = [features_of(walker(0))]
    assert propagate(known, missing_trousers(walker(3, DARK_SKIN, (250, 240, 60)))) is None
    empty = MaskedFrame(walker(1).base, walker(1).base, np.zeros((HEIGHT, WIDTH), bool))
    assert propagate(known, empty) is None


def test_layered_frames_do_not_change_if_their_clothes_are_only_alike() -> None:
    known = [features_of(walker(0))]
    alike = tuple(np.array(SHIRT) + 9)
    assert propagate(known, missing_trousers(walker(3, shirt=alike))) is None
    assert propagate(known, relit(missing_trousers(walker(3, shirt=alike)), 0.08)) is not None
    assert propagate(known, missing_trousers(walker(3))) is not None


def test_smooth_art_is_corrected_at_its_own_size_and_keeps_edges_that_were_right() -> None:
    def smooth(frame: MaskedFrame) -> MaskedFrame:
        base, clothed, mask = (enlarge(part, 8).copy() for part in (frame.base, frame.clothed, frame.mask))
        for picture in (base, clothed):
            picture[1::3, 1::3, 0] ^= 1  # grain that no art pixel has
        mask[:, ::2][100:110] = False  # an edge finer than the working size
        return MaskedFrame(base, clothed, mask)

    frame = smooth(missing_trousers(walker(4)))
    found = propagate([features_of(smooth(walker(0)))], frame)
    assert found is not None
    assert f1_score(found[0], enlarge(walker(4).mask, 8)) > 0.95
    assert np.array_equal(found[0][100:110], frame.mask[100:110])


def test_the_light_is_undone() -> None:
    frame = relit(walker(2), -0.1)
    bare = (frame.base[..., 3] > 0) & ~frame.mask
    undone = undo_light(frame.base, frame.clothed, bare)
    before = np.abs(frame.clothed[..., :3][bare].astype(float) - frame.base[..., :3][bare]).mean()
    after = np.abs(undone[bare] - frame.base[..., :3][bare]).mean()
    assert after < before / 3
    nothing = np.zeros_like(bare)
    assert np.abs(undo_light(frame.base, frame.clothed, nothing) - frame.clothed[..., :3]).max() < 0.01


# ---- in a session ----


def write_walk(folder: Path) -> Path:
    """Six frames of a walk whose proposals lack the trousers; that of frame 5 has a pixel too many."""
    for part in ("frames", "masks_initial", "masks_corrected"):
        (folder / part).mkdir()
    for step in range(6):
        frame, number = missing_trousers(walker(step)), f"0{step}"
        if step == 5:
            frame = walker(step)
            frame.mask[0, 0] = True
        save(folder / "frames" / base_name(number), frame.base)
        save(folder / "frames" / clothed_name(number), frame.clothed)
        mask_image(frame.mask * np.uint8(255)).save(folder / "masks_initial" / mask_name(number))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_walk(tmp_path)


def correct(session: CorrectionSession) -> None:
    step = int(session.frame.number)
    session.frame.editor.replace(walker(step).mask)


def masks_of(session: CorrectionSession) -> dict[str, np.ndarray]:
    return {number: session.picture_of(number)[1] for number in session.in_order}


def teach(session: CorrectionSession) -> list[str]:
    return session.take_over({number: new for number, new in session.propagated_masks() if new is not None})


def test_a_session_propagates_to_frames_that_are_not_reviewed_and_takes_it_back(folder: Path) -> None:
    with CorrectionSession(folder) as session:
        session.go_to("05")
        session.toggle_reviewed()  # a pixel too many, but the person said so
        session.go_to("00")
        correct(session)
        before = masks_of(session)
        assert teach(session) == ["01", "02", "03", "04"]
        after = masks_of(session)
        for step in range(1, 5):
            assert f1_score(after[f"0{step}"], walker(step).mask) > 0.9
        assert (after["05"] == before["05"]).all(), "reviewed"
        assert session.unsaved == ["00", "01", "02", "03", "04"] and session.can_take_back
        assert set(session.unsureness) == {"01", "02", "03", "04"}
        assert sorted(session.take_back()) == ["01", "02", "03", "04"]
        assert all((mask == before[number]).all() for number, mask in masks_of(session).items())
        assert not session.can_take_back


def test_masks_of_an_earlier_sheet_teach_too(folder: Path, tmp_path: Path) -> None:
    """The open frame shows other clothes, so that it teaches nothing; an archived sheet of the character does."""
    archive = tmp_path / "archive"
    for part in ("frames_backup_walk", "masks_backup_walk"):
        (archive / part).mkdir(parents=True)
    for step in (0, 2):
        for name in (base_name(f"0{step}"), clothed_name(f"0{step}")):
            save(archive / "frames_backup_walk" / name, np.asarray(Image.open(folder / "frames" / name)))
        mask_image(walker(step).mask * np.uint8(255)).save(archive / "masks_backup_walk" / mask_name(f"0{step}"))
    opened = folder / "frames" / clothed_name("00")
    save(opened, np.asarray(Image.open(opened))[..., [2, 0, 1, 3]])
    taught = {}
    for memory in ((), remembered_pairs(archive)):
        with CorrectionSession(folder, by_unsureness=False, memory=memory) as session:
            assert session.frame.number == "00"
            teach(session)
            taught[len(memory)] = [f1_score(masks_of(session)[f"0{n}"], walker(n).mask) for n in range(1, 5)]
    assert min(taught[2]) > 0.9 > max(taught[0])


def test_propagated_masks_can_be_taken_back_from_another_frame_and_after_saving(folder: Path) -> None:
    with CorrectionSession(folder) as session:
        correct(session)
        before = masks_of(session)
        teach(session)
        session.go_to("02")
        assert session.can_take_back
        session.frame.editor.set_pixels(Region(whole(session.frame.editor.mask), before["02"]), True)
        session.frame.editor.set_pixels(Region(whole(before["02"]), ~before["02"]), False)
        session.frame.editor.end_stroke()
        assert not session.can_take_back, "a stroke comes first"
        session.frame.editor.undo()
        assert session.can_take_back
        session.take_back()
        session.save()
    with CorrectionSession(folder) as session:
        for number, mask in masks_of(session).items():
            assert (mask == before[number]).all()


def test_nothing_changes_before_all_frames_are_done(folder: Path) -> None:
    with CorrectionSession(folder) as session:
        correct(session)
        before = masks_of(session)
        steps = session.propagated_masks()
        next(steps), next(steps)
        del steps
        assert all((mask == before[number]).all() for number, mask in masks_of(session).items())
