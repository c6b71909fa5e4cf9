# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "accelerate>=1.15",
#     "matplotlib>=3.11",
#     "numpy>=2.1",
#     "onnx>=1.17",
#     "onnxruntime>=1.24",
#     "opencv-python-headless>=4.14,<5",
#     "pillow-heif>=1.1",
#     "pillow>=12.1",
#     "re-live",
#     "scikit-image>=0.26",
#     "scipy>=1.15",
#     "torch>=2.11",
#     "tqdm>=4.67",
#     "tyro>=1.0",
# ]
#
# [tool.uv.sources]
# re-live = { path = "..", editable = true }
# ///
"""Step 7: archive the reviewed working set as a training set of its own.

    python 7_backup_training_set.py training_data walk_east

Frames that are not reviewed are left out. Everything is checked first, as before training: a frame that another
archived set holds is a fault. Copies are verified and appear all at once.

Reads   <training data>/frames/, masks_corrected/ (and masks_initial/), all archived sets
Writes  <training data>/frames_backup_<animation>/, masks_backup_<animation>/ (and masks_initial_backup_<animation>/)
"""

from pathlib import Path

from tyro.conf import Positional

from common.journals import locked
from common.paths import OUTPUTS, shown
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--with-initial) ----
TRAINING_DATA: Positional[Path] = OUTPUTS / "masks/training_data"  # folder that holds frames/ and masks_corrected/
ANIMATION: Positional[str] = ""  # name of the set, such as walk_east
WITH_INITIAL: bool = False  # also archive the proposed masks
REPLACE: bool = False  # move an archive of this name with other content to backups/
CLEAR: bool = False  # then move the working set to backups/, to make room for the next animation


def main() -> Report:
    """Check, copy, verify, and clear the working set if wanted."""
    from masks.sets.archiving import archive, check_name, reviewed_pairs
    from masks.sets.backups import move_to_backups
    from masks.sets.naming import FRAMES, FRAMES_BACKUP, MASKS_CORRECTED, MASKS_INITIAL
    from masks.sets.pairs import scan_pairs

    check_name(ANIMATION)
    everything, _ = scan_pairs(TRAINING_DATA / FRAMES)
    with locked(TRAINING_DATA, "TRAINING_DATA"):
        pairs = reviewed_pairs(TRAINING_DATA, name=ANIMATION)
        replaced = archive(TRAINING_DATA, name=ANIMATION, pairs=pairs, with_initial=WITH_INITIAL, replace=REPLACE)
        target = TRAINING_DATA / (FRAMES_BACKUP + ANIMATION)
        left_out = len(everything) - len(pairs)
        print(f"archived: {len(pairs)} frames in {shown(target)}, masks beside it")
        print(f"not reviewed, left out: {left_out}")
        if replaced is not None:
            print(f"earlier archive: {shown(replaced)}")
        if CLEAR:
            cleared = move_to_backups(TRAINING_DATA, [FRAMES, MASKS_INITIAL, MASKS_CORRECTED])
            assert cleared is not None
            print(f"working set moved to: {shown(cleared)}")
    return Report(target, sorted(target.glob("*.png")), {"frames": len(pairs), "left out": left_out})


if __name__ == "__main__":
    run(main)
