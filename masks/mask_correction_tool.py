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
"""Step 3: correct the proposed masks by hand, in a window; h shows all keys.

Left drag paints, right drag or Shift-drag erases; every stroke can be undone. Masks are saved on every change of the
frame, every AUTOSAVE_S seconds and on closing. Frames marked as reviewed (Enter) are used for training in step 4.

Reads   <training data>/frames/, masks_initial/ (from step 2), masks_corrected/ if a mask was saved before
Writes  <training data>/masks_corrected/: mask_XX.png (0 and 255), reviewed.json, run.json; a copy of the older masks in
        backups/ before the first one is replaced
"""

import signal
import sys
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional

from common.errors import UserError
from common.paths import OUTPUTS
from common.runner import EXIT_TERMINATED, Range, Report, run

# ---- settings: edit here, or override once on the command line (--order number) ----
TRAINING_DATA: Positional[Path] = OUTPUTS / "masks/training_data"  # folder that holds frames/ and masks_initial/
ORDER: Literal["unsure", "number"] = "unsure"  # unsure: the frames with the most unsure masks first
MEMORY: Path | None = None  # training folder of the same character: its reviewed and archived masks teach too (key t)
TOOLKIT: Literal["auto", "tk", "qt"] = "auto"  # GUI toolkit; auto: Tk, else Qt (PySide6)
AUTOSAVE_S: Annotated[float, Range(0.5, 600)] = 20.0  # seconds between automatic saves


def main() -> Report | None:
    """Open the window, and report what was saved when it is closed."""
    from masks.correction.opening import correct
    from masks.correction.session import CorrectionSession
    from masks.correction.toolkit import choose_backend
    from masks.sets.naming import MASKS_CORRECTED
    from masks.sets.training_sets import remembered_pairs

    backend = choose_backend(TOOLKIT)
    memory = remembered_pairs(MEMORY)
    with CorrectionSession(TRAINING_DATA, by_unsureness=ORDER == "unsure", memory=memory) as session:
        for note in session.notes():
            print(note, flush=True)
        stopped_by = correct(session, backend, autosave_s=AUTOSAVE_S)
        if session.fault:
            lost = ", ".join(session.unsaved) or "none, but the reviewed flags"
            raise UserError(f"{session.fault}; not saved: the last changes of frames {lost}")
        figures = {
            "frames": len(session.numbers),
            "reviewed": len(session.reviewed_frames),
            "masks saved now": len(session.saved),
        }
    for name, value in figures.items():
        print(f"{name}: {value}")
    if stopped_by == signal.SIGINT:
        raise KeyboardInterrupt
    if stopped_by is not None:
        sys.exit(EXIT_TERMINATED)
    return Report(TRAINING_DATA / MASKS_CORRECTED, session.files(), figures) if session.saved else None


if __name__ == "__main__":
    run(main)
