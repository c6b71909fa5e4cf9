"""Which model the steps use unless a setting names one: the one that step 4 trained, or the one that ships.

Step 4 trains a model into TRAINED. It becomes the default of steps 2 and 5 unless the training made a set worse.
"""

from collections.abc import Sequence
from pathlib import Path

from common.devices import pick_device
from common.paths import OUTPUTS, shown
from masks.model.checkpoint_format import find_checkpoint, read_checkpoint
from masks.model.evaluation import SetScore
from masks.model.onnx_runtime import NAME

TRAINED = OUTPUTS / "masks/mask_model.pth"
SHIPPED = "mask_model.pth"
WORSE_F1 = 0.001  # a set is worse if its mean F1 falls by more than this


def default_checkpoint(chosen: Path | None) -> Path:
    """Return the chosen checkpoint; by default the trained one if it is fit to be the default, else the shipped one.

    Raises:
        UserError: the checkpoint is missing, or the trained one is damaged.
    """
    if chosen is None and TRAINED.is_file() and read_checkpoint(TRAINED).get("is_default"):
        return TRAINED
    return find_checkpoint(chosen or SHIPPED)


def last_trained(chosen: Path | None) -> Path:
    """Return the chosen checkpoint; by default the trained one if there is one, else the shipped one.

    Raises:
        UserError: the checkpoint is missing.
    """
    return find_checkpoint(chosen or (TRAINED if TRAINED.is_file() else SHIPPED))


def describe(path: Path) -> str:
    """Return in words which model a checkpoint is.

    Raises:
        UserError: as `read_checkpoint`.
    """
    frames = len(read_checkpoint(path)["frames"])
    data = f"{frames} frames of yours" if frames else "drawn figures alone"
    return f"model: {shown(path)}, trained on {data}, run by {NAME if pick_device().type == 'cpu' else 'PyTorch'}"


def made_worse(before: Sequence[SetScore], after: Sequence[SetScore]) -> dict[str, float]:
    """Return the change of the mean F1 of each set that training made worse, by name of the set."""
    earlier = {score.name: score.mean_f1 for score in before}
    changes = {score.name: score.mean_f1 - earlier[score.name] for score in after if score.name in earlier}
    return {name: change for name, change in changes.items() if change < -WORSE_F1}
