"""The working set in memory: order, saving, copies, flags, faults, locks and kills; no window."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.errors import UserError
from common.journals import locked
from masks.correction.boxes import Box, whole
from masks.correction.session import CorrectionSession
from masks.correction.tools import Region
from masks.sets.working_set import read_reviewed, write_proposals, write_reviewed
from tests.helpers import ROOT

SHAPE = (32, 48)
CELL = 4


def write_mask(path: Path, mask: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask.astype(np.uint8) * 255).save(path)


def proposal_of(number: int, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """A block that moves with the frame."""
    mask = np.zeros(shape, bool)
    mask[8:24, 4 * number : 4 * number + 16] = True
    return mask


def write_working_set(
    folder: Path, count: int = 4, shape: tuple[int, int] = SHAPE, lacking: tuple[int, ...] = ()
) -> Path:
    """Pixel art of CELL px: a body, and the same in a shirt; proposals but for the frames that are `lacking` one."""
    rng = np.random.default_rng(0)
    (folder / "frames").mkdir(parents=True)
    for number in range(count):
        base = rng.integers(60, 90, (shape[0] // CELL, shape[1] // CELL, 4), dtype=np.uint8)
        base[..., 3] = 255
        base[:1] = 0
        clothed = base.copy()
        clothed[2:6, number : number + 4] = (200, 40, 40, 255)
        for name, picture in (("base", base), ("clothed", clothed)):
            large = picture.repeat(CELL, axis=0).repeat(CELL, axis=1)
            Image.fromarray(large).save(folder / f"frames/{name}_frame_{number:02d}.png")
        if number not in lacking:
            write_mask(folder / f"masks_initial/mask_{number:02d}.png", proposal_of(number, shape))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_working_set(tmp_path / "training data")


def read(path: Path) -> np.ndarray:
    """A mask file, which must be what training wants."""
    with Image.open(path) as image:
        assert image.format == "PNG" and image.mode == "L"
        mask = np.asarray(image)
    assert set(np.unique(mask)) <= {0, 255}
    return mask > 0


def corrected(folder: Path, number: int = 0) -> Path:
    return folder / f"masks_corrected/mask_{number:02d}.png"


def paint(session: CorrectionSession, row: int = 0, column: int = 0, value: bool = True) -> None:
    box = Box(row, column, row + 3, column + 5)
    session.frame.editor.set_pixels(Region(box, np.ones((3, 5), bool)), value)
    session.frame.editor.end_stroke()


def copies(folder: Path) -> list[Path]:
    return sorted((folder / "backups").glob("*/masks_corrected"))


# ---- opening ----


def test_a_frame_opens_with_its_pictures_its_proposal_and_the_size_of_its_art_pixels(folder: Path) -> None:
    with CorrectionSession(folder) as session:
        frame = session.frame
        assert frame.number == "00" and frame.cell_px == CELL
        assert frame.base.shape == frame.clothed.shape == (*SHAPE, 4)
        assert frame.proposal is not None and (frame.proposal == proposal_of(0)).all()
        assert (frame.editor.mask == proposal_of(0)).all() and session.is_saved
    assert not (folder / "masks_corrected").exists(), "looking alone writes nothing"


def test_a_frame_without_a_proposal_starts_empty_and_says_so(tmp_path: Path) -> None:
    folder = write_working_set(tmp_path / "set", 3, lacking=(1, 2))
    write_mask(folder / "masks_initial/mask_07.png", proposal_of(0))
    write_mask(corrected(folder, 2), proposal_of(2))
    with CorrectionSession(folder) as session:
        first, second, third = session.notes()
        assert first == "3 frames, 0 reviewed"
        assert "without a proposal" in second and second.endswith("01")
        assert "masks_initial" in third and third.endswith("07")
        session.go_to("01")
        assert session.frame.proposal is None and not session.frame.editor.mask.any()


def test_a_mask_that_was_saved_before_is_opened_again_and_the_first_unreviewed_frame_first(folder: Path) -> None:
    write_mask(corrected(folder, 1), ~proposal_of(1))
    write_mask(corrected(folder, 0), proposal_of(0))
    write_reviewed(folder, ["00"])
    with CorrectionSession(folder) as session:
        assert session.frame.number == "01" and session.reviewed == {"00"}
        assert (session.frame.editor.mask == ~proposal_of(1)).all()
        assert session.frame.proposal is not None and (session.frame.proposal == proposal_of(1)).all()


def test_a_reviewed_flag_without_its_mask_does_not_count(folder: Path) -> None:
    write_reviewed(folder, ["00", "01"])
    write_mask(corrected(folder, 1), proposal_of(1))
    with CorrectionSession(folder) as session:
        assert session.reviewed == {"01"}


def test_frames_come_most_unsure_first_and_those_without_a_figure_before_them(folder: Path) -> None:
    write_proposals(folder / "masks_initial", {"00": 0.1, "01": 0.5, "03": 0.3}, "model")
    with CorrectionSession(folder) as session:
        assert session.numbers == ["02", "01", "03", "00"] and session.frame.number == "02"
        session.go_to("03")
        session.toggle_order()
        assert session.numbers == ["00", "01", "02", "03"] and session.frame.number == "03" and session.position == 3
    with CorrectionSession(folder, by_unsureness=False) as session:
        assert session.numbers == ["00", "01", "02", "03"]


def test_all_faults_are_listed_together_before_anything_opens(folder: Path) -> None:
    broken = folder / "frames/clothed_frame_00.png"
    broken.write_bytes(broken.read_bytes()[:60])
    Image.new("RGBA", (16, 16)).save(folder / "frames/base_frame_01.png")
    grey = np.full(SHAPE, 120, np.uint8)
    Image.fromarray(grey).save(folder / "masks_initial/mask_02.png")
    write_mask(corrected(folder, 3), np.zeros((8, 8), bool))
    with pytest.raises(UserError) as error:
        CorrectionSession(folder)
    text = str(error.value)
    for words in ("4 faults", "clothed_frame_00.png", "base_frame_01.png", "mask_02.png", "mask_03.png: is 8 x 8 px"):
        assert words in text
    broken.unlink()
    with pytest.raises(UserError, match=r"base_frame_00\.png has no clothed_frame_00\.png"):
        CorrectionSession(folder)
    with pytest.raises(UserError, match="no such folder of frames"):
        CorrectionSession(folder / "nothing here")


def test_a_transparent_frame_is_valid(folder: Path) -> None:
    for name in ("base", "clothed"):
        Image.new("RGBA", SHAPE[::-1]).save(folder / f"frames/{name}_frame_00.png")
    with CorrectionSession(folder) as session:
        assert session.frame.cell_px == 1 and not session.frame.clothed.any()


# ---- saving ----


def test_only_what_was_changed_is_written_and_strictly_black_and_white(folder: Path) -> None:
    with CorrectionSession(folder) as session:
        paint(session)
        assert session.unsaved == ["00"] and not session.is_saved
        assert session.save() == ["00"] and session.is_saved and session.saved == {"00"}
        assert session.save() == []
    expected = proposal_of(0)
    expected[:3, :5] = True
    assert (read(corrected(folder)) == expected).all()
    assert [path.name for path in (folder / "masks_corrected").iterdir()] == ["mask_00.png"]


def test_another_frame_saves_first_and_the_way_back_has_mask_and_history(folder: Path) -> None:
    with CorrectionSession(folder) as session:
        paint(session)
        paint(session, 10, 10, False)
        session.step(1)
        assert session.frame.number == "01" and corrected(folder).is_file()
        session.step(-1)
        assert session.frame.editor.undo() == Box(10, 10, 13, 15) and session.unsaved == ["00"]
        assert session.frame.editor.undo() is not None and (session.frame.editor.mask == proposal_of(0)).all()
        session.step(-1)
        assert session.frame.number == "03"
        session.step(1)
        assert session.frame.editor.redo() is not None
    assert (read(corrected(folder)) == proposal_of(0)).all()


def test_reviewed_flags_are_written_with_their_masks_and_can_be_taken_back(folder: Path) -> None:
    with CorrectionSession(folder) as session:
        session.toggle_reviewed()
        assert not session.is_saved and not (folder / "masks_corrected").exists()
        session.save()
        assert read_reviewed(folder) == {"00"} and (read(corrected(folder)) == proposal_of(0)).all()
        assert session.go_to_unreviewed() and session.frame.number == "01"
        session.toggle_reviewed()
        session.go_to("00")
        session.toggle_reviewed()
        session.save()
    assert json.loads((folder / "masks_corrected/reviewed.json").read_text()) == {"reviewed": ["01"]}
    assert corrected(folder).is_file(), "the mask stays"


def test_the_jump_to_the_next_unreviewed_frame_goes_around_and_ends(folder: Path) -> None:
    with CorrectionSession(folder) as session:
        for number in ("00", "02", "03"):
            session.go_to(number)
            session.toggle_reviewed()
        assert session.go_to_unreviewed() and session.frame.number == "01"
        assert not session.go_to_unreviewed() and session.frame.number == "01"
        session.toggle_reviewed()
        assert not session.go_to_unreviewed() and session.reviewed_frames == ["00", "01", "02", "03"]


def test_the_mask_of_the_frame_before_is_that_of_the_number_before_in_its_latest_state(folder: Path) -> None:
    write_proposals(folder / "masks_initial", {"00": 0.1, "01": 0.5, "02": 0.2, "03": 0.3}, "model")
    write_mask(corrected(folder, 2), ~proposal_of(2))
    with CorrectionSession(folder) as session:
        assert session.numbers[0] == "01"
        before = session.previous_mask()
        assert before is not None and (before == proposal_of(0)).all()
        paint(session)
        painted = session.frame.editor.mask.copy()
        session.go_to("02")
        before = session.previous_mask()
        assert before is not None and (before == painted).all()
        session.go_to("03")
        before = session.previous_mask()
        assert before is not None and (before == ~proposal_of(2)).all()
        session.go_to("00")
        assert session.previous_mask() is None


def test_masks_of_an_earlier_session_are_copied_once_before_the_first_is_replaced(folder: Path) -> None:
    write_mask(corrected(folder, 0), proposal_of(0))
    write_mask(corrected(folder, 1), proposal_of(1))
    write_reviewed(folder, ["00"])
    with CorrectionSession(folder, by_unsureness=False) as session:
        session.go_to("02")
        paint(session)
        session.save()
        assert copies(folder) == [], "a new mask replaces nothing"
        paint(session, 20)
        session.save()
        assert copies(folder) == [], "nor does a mask of this session"
        session.go_to("00")
        paint(session)
        session.go_to("01")
        paint(session)
        session.save()
    (copy,) = copies(folder)
    assert (read(copy / "mask_00.png") == proposal_of(0)).all() and (read(copy / "mask_01.png") == proposal_of(1)).all()
    assert json.loads((copy / "reviewed.json").read_text()) == {"reviewed": ["00"]}
    assert (read(corrected(folder, 0)) != proposal_of(0)).any()


# ---- what goes wrong ----


def test_what_cannot_be_written_stays_in_memory_and_is_written_when_it_can_be(folder: Path) -> None:
    blocked = folder / "masks_corrected"
    blocked.write_text("a file where the folder should be")
    with CorrectionSession(folder) as session:
        paint(session)
        session.toggle_reviewed()
        painted = session.frame.editor.mask.copy()
        assert session.save() == [] and "cannot write" in session.fault and "mask_00.png" in session.fault
        session.step(1)
        assert session.frame.number == "01" and session.unsaved == ["00"] and session.fault
        paint(session)
        assert session.save() == [] and session.unsaved == ["00", "01"]
        blocked.unlink()
        assert session.save() == ["00", "01"] and not session.fault and session.is_saved
    assert (read(corrected(folder)) == painted).all() and read_reviewed(folder) == {"00"}


def test_a_flag_is_not_written_before_its_mask(folder: Path) -> None:
    with CorrectionSession(folder) as session:
        session.toggle_reviewed()
        session.go_to("01")
        corrected(folder, 1).mkdir(parents=True)  # so that this mask cannot be written
        session.toggle_reviewed()
        session.frame.editor.replace(~session.frame.editor.mask)
        session.save()
        assert "mask_01.png" in session.fault and read_reviewed(folder) == {"00"} and not session.is_saved
        corrected(folder, 1).rmdir()
        session.save()
        assert not session.fault and read_reviewed(folder) == {"00", "01"}


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write anywhere")
def test_a_read_only_folder_can_be_looked_at(folder: Path) -> None:
    folder.chmod(0o500)
    try:
        with CorrectionSession(folder) as session:
            paint(session)
            session.save()
            assert "Permission denied" in session.fault and session.unsaved == ["00"]
    finally:
        folder.chmod(0o700)


@pytest.mark.skipif(not Path("/dev/full").exists() or not hasattr(os, "geteuid"), reason="needs Linux")
def test_a_full_disk_keeps_the_old_mask_and_the_new_one_in_memory(folder: Path) -> None:
    """The file-size limit of a process stands in for a full disk: writing fails in the middle of the file."""
    code = f"""
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
import numpy as np
from masks.correction.session import CorrectionSession
with CorrectionSession(Path({str(folder)!r})) as session:
    session.frame.editor.replace(session.frame.editor.mask ^ True)
    assert session.save() == ["00"]
    session.frame.editor.replace(np.random.default_rng(0).random(session.frame.editor.mask.shape) < 0.5)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))
    assert session.save() == [] and "mask_00.png: File too large" in session.fault and session.unsaved == ["00"]
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert (read(corrected(folder)) == ~proposal_of(0)).all()
    assert list((folder / "masks_corrected").iterdir()) == [corrected(folder)]


def test_a_frame_that_vanished_leaves_the_open_one_open(folder: Path) -> None:
    with CorrectionSession(folder) as session:
        paint(session)
        (folder / "frames/base_frame_01.png").unlink()
        with pytest.raises(UserError, match=r"base_frame_01\.png"):
            session.step(1)
        assert session.frame.number == "00" and session.is_saved
        session.go_to("02")
        assert session.frame.number == "02"


# ---- other windows, and kills ----


def test_scripts_that_write_the_folder_wait_for_the_session_and_it_for_them(folder: Path) -> None:
    with CorrectionSession(folder), pytest.raises(UserError, match="or has it open"), locked(folder, "TRAINING_DATA"):
        pass
    with locked(folder), pytest.raises(UserError, match="written by another run"):
        CorrectionSession(folder)


def test_a_second_session_of_one_folder_is_refused_until_the_first_ends(folder: Path) -> None:
    with CorrectionSession(folder), pytest.raises(UserError, match="open in another window"):
        CorrectionSession(folder)
    CorrectionSession(folder).close()


def test_a_session_that_failed_to_open_locks_nothing(folder: Path) -> None:
    (folder / "masks_initial/mask_00.png").write_bytes(b"")
    with pytest.raises(UserError, match="is empty"):
        CorrectionSession(folder)
    write_mask(folder / "masks_initial/mask_00.png", proposal_of(0))
    CorrectionSession(folder).close()


SAVING_FOR_EVER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from masks.correction.session import CorrectionSession
session = CorrectionSession(Path(sys.argv[1]))
session.toggle_reviewed()
print("ready", flush=True)
while True:
    session.frame.editor.replace(~session.frame.editor.mask)
    session.save()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_kill_9_while_saving_leaves_whole_masks_and_no_lock(tmp_path: Path) -> None:
    folder = write_working_set(tmp_path / "set", 1, (480, 640))
    before = proposal_of(0, (480, 640))
    for attempt in range(8):
        command = [sys.executable, "-c", SAVING_FOR_EVER, str(folder), str(ROOT)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            time.sleep(0.02 + 0.013 * attempt)
            process.kill()
        if corrected(folder).exists():
            mask = read(corrected(folder))
            assert (mask == before).all() or (mask == ~before).all()
            assert read_reviewed(folder) <= {"00"}
        with CorrectionSession(folder) as session:
            session.frame.editor.replace(before)
            session.frame.editor.is_changed = True
            session.save()
            assert session.is_saved and not session.fault
            assert whole(session.frame.editor.mask) == Box(0, 0, 480, 640)
    assert corrected(folder).exists()
