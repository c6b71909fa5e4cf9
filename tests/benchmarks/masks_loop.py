"""The whole workflow on real sprites, each step as a user runs it; the hand in step 3 is simulated.

    python -m tests.benchmarks.masks_loop [--corrected 10] [--epochs 60]

One animation (walk_south) is the working set: it is joined to a pair of sheets, split again, proposed; its most unsure
frames are corrected, through the correction tool's own session, and reviewed; the model is retrained on them.
Measured are the frames that were not corrected, and two other animations of the same maker, before and after.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from masks.correction.session import CorrectionSession
from masks.model.metrics import f1_score
from masks.sets.naming import mask_name
from masks.sets.pairs import FramePair, read_mask
from masks.sets.training_sets import FrameSet
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.masks_setup import mean, print_table, real_sets
from tests.helpers import run_script

WORKING = "walk_south"
OTHERS = ("walk_east", "run_west")
COLUMNS = 5


def main() -> None:
    """Run the loop and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corrected", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=60)
    arguments = parser.parse_args()
    print(f"{describe_machine()}; {arguments.corrected} frames corrected, {arguments.epochs} epochs")
    sets = real_sets(WORKING, *OTHERS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        work = folder / "training_data"
        sheets = [join(sets[WORKING], part, folder / f"{part}.png") for part in ("base", "clothed")]
        step("1_split_spritesheet.py", "--base", sheets[0], "--clothed", sheets[1], "--training-data", work)
        step("2_initial_masks.py", work, "--output", folder / "2.png")
        corrected = correct(work, sets[WORKING], arguments.corrected)
        before = scores(folder, sets, corrected, "mask_model.pth")
        mine = folder / "mine.pth"
        step("mask_model.py", work, "--epochs", arguments.epochs, "--held-out", "none", "--output", mine)
        after = scores(folder, sets, corrected, mine)
        step("7_backup_training_set.py", work, WORKING)
        step("6_evaluate_masks.py", work, "--checkpoint", mine, "--output", folder / "6.png")
    print_table(
        "mean F1",
        list(before),
        [("shipped model", list(before.values())), ("retrained", list(after.values()))],
    )


def step(script: str, *flags: object) -> None:
    """Run a script of masks/ from the shell; its last lines are shown, a failure ends the benchmark."""
    result = run_script(f"masks/{script}", *flags, timeout=3600)
    print(f"\n== {script}\n{result.stdout[-1500:]}", flush=True)
    if result.returncode:
        raise SystemExit(result.stderr)


def join(frame_set: FrameSet, part: str, sheet: Path) -> Path:
    """Lay the frames of a set side by side, one art pixel a pixel."""
    frames = [Image.open(getattr(pair, part)) for pair in frame_set.pairs]
    side = frames[0].width // 8
    image = Image.new("RGBA", (COLUMNS * side, -(-len(frames) // COLUMNS) * side))
    for index, frame in enumerate(frames):
        image.paste(
            frame.resize((side, side), Image.Resampling.NEAREST), (index % COLUMNS * side, index // COLUMNS * side)
        )
    image.save(sheet)
    return sheet


def correct(work: Path, truth: FrameSet, count: int) -> set[str]:
    """Put the true mask in place of the most unsure proposals, and mark them as reviewed; returns their numbers."""
    masks = {pair.number: read_truth(pair) for pair in truth.pairs}
    with CorrectionSession(work) as session:
        chosen = session.numbers[:count]
        for number in chosen:
            session.go_to(number)
            session.frame.editor.replace(masks[number])
            session.toggle_reviewed()
        session.save()
        if session.fault:
            raise SystemExit(session.fault)
    return set(chosen)


def read_truth(pair: FramePair) -> np.ndarray:
    """The true mask as (H, W) bool."""
    assert pair.mask is not None
    return read_mask(pair.mask) > 0


def scores(folder: Path, sets: dict[str, FrameSet], corrected: set[str], checkpoint: object) -> dict[str, float]:
    """Mean F1 of what step 5 writes, on the frames that were not corrected."""
    result = {}
    for name in (WORKING, *OTHERS):
        pairs = [pair for pair in sets[name].pairs if name != WORKING or pair.number not in corrected]
        output = folder / f"predicted_{name}_{Path(str(checkpoint)).stem}"
        model = [] if checkpoint == "mask_model.pth" else ["--checkpoint", checkpoint]
        step("5_predict_masks.py", "--frames", pairs[0].base.parent, "--no-cutouts", "--output", output, *model)
        found = [read_mask(output / "masks" / mask_name(pair.number)) for pair in pairs]
        title = f"{name}, the rest" if name == WORKING else name
        result[title] = mean([f1_score(mask, read_truth(pair)) for mask, pair in zip(found, pairs, strict=True)])
    return result


if __name__ == "__main__":
    main()
