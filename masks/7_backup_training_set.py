"""Step 7: archive the reviewed working set as a training set of its own.

    python 7_backup_training_set.py training_data walk_east

Frames that are not reviewed are left out. All is checked first, as before training: a frame that stands in another
archived set is a fault. Copies are verified and appear all at once.

Reads   <training data>/frames/, masks_corrected/ (and masks_initial/), all archived sets
Writes  <training data>/frames_backup_<animation>/, masks_backup_<animation>/ (and masks_initial_backup_<animation>/)
"""

from pathlib import Path

import tyro

from common.paths import OUTPUTS, shown
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--with-initial) ----
TRAINING_DATA = OUTPUTS / "masks/training_data"  # folder that holds frames/ and masks_corrected/
ANIMATION = ""  # name of the set, such as walk_east
WITH_INITIAL = False  # archive the proposed masks too
REPLACE = False  # an archive of this name that holds something else goes to backups/
CLEAR = False  # move the working set to backups/ afterwards, so that the next animation can begin


def main(
    training_data: tyro.conf.Positional[Path] = TRAINING_DATA,
    animation: tyro.conf.Positional[str] = ANIMATION,
    with_initial: bool = WITH_INITIAL,
    replace: bool = REPLACE,
    clear: bool = CLEAR,
) -> Report:
    """Check, copy, verify, and tidy up."""
    from masks.sets.archiving import archive, check_name, reviewed_pairs
    from masks.sets.backups import move_to_backups
    from masks.sets.naming import FRAMES, FRAMES_BACKUP, MASKS_CORRECTED, MASKS_INITIAL
    from masks.sets.pairs import scan_pairs

    check_name(animation)
    everything, _ = scan_pairs(training_data / FRAMES)
    pairs = reviewed_pairs(training_data, animation)
    replaced = archive(training_data, animation, pairs, with_initial=with_initial, replace=replace)
    target = training_data / (FRAMES_BACKUP + animation)
    left_out = len(everything) - len(pairs)
    print(f"archived: {len(pairs)} frames in {shown(target)}, masks beside it")
    print(f"not reviewed, left out: {left_out}")
    if replaced is not None:
        print(f"the archive of before: {shown(replaced)}")
    if clear:
        cleared = move_to_backups(training_data, [FRAMES, MASKS_INITIAL, MASKS_CORRECTED])
        assert cleared is not None
        print(f"the working set, all of it: {shown(cleared)}")
    files = sorted(path for path in target.glob("*.png"))
    return Report(target, files, {"frames": len(pairs), "left out": left_out})


if __name__ == "__main__":
    run(main)
