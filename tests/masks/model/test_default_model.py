"""Which model the steps use by default, and which sets training made worse."""

from pathlib import Path

import pytest
from PIL import Image

from common.errors import UserError
from common.paths import CHECKPOINTS
from masks.model import default_model
from masks.model.checkpoint_format import write_checkpoint
from masks.model.default_model import default_checkpoint, describe, last_trained, made_worse
from masks.model.evaluation import SEEN, SetScore
from masks.sets.training_sets import frame_keys, gather_training_data, split_seen
from tests.masks.model.test_unet import lively_network
from tests.masks.sample_sets import write_archive

SHIPPED = CHECKPOINTS / "masks/mask_model.pth"


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "outputs/mask_model.pth"
    path.parent.mkdir()
    monkeypatch.setattr(default_model, "TRAINED", path)
    return path


def test_the_model_that_step_4_trained_is_the_default_unless_it_made_a_set_worse(trained: Path) -> None:
    assert default_checkpoint(None) == last_trained(None) == SHIPPED
    assert "drawn figures alone" in describe(SHIPPED)
    write_checkpoint(trained, lively_network((6, 8)), frames=["a", "b"], is_default=True)
    assert default_checkpoint(None) == last_trained(None) == trained
    assert "trained on 2 frames of yours" in describe(trained)
    assert default_checkpoint(Path("mask_model.pth")) == SHIPPED, "a setting is obeyed"
    write_checkpoint(trained, lively_network((6, 8)), frames=[], is_default=False)
    assert (default_checkpoint(None), last_trained(None)) == (SHIPPED, trained)
    trained.write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"mask_model\.pth: refused"):
        default_checkpoint(None)


def test_sets_that_became_worse_by_more_than_the_noise() -> None:
    def scores(**f1: float) -> list[SetScore]:
        return [SetScore(name, SEEN, [], [value], [value], 0, [0.0], []) for name, value in f1.items()]

    before, after = scores(a=0.98, b=0.98, c=0.98), scores(a=0.977, b=0.9795, c=0.99, new=0.1)
    assert made_worse(before, after) == pytest.approx({"a": -0.003})
    assert made_worse([], after) == {}


def test_a_frame_that_was_saved_again_or_enlarged_is_still_one_that_was_trained_on(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_archive(tmp_path, name, range(2) if name == "one" else range(5, 7))
    keys = {name: set(frame_keys(s)) for s in gather_training_data(tmp_path) for name in [s.name]}
    assert not keys["one"] & keys["two"]
    for folder in ("frames", "masks"):
        for path in (tmp_path / f"{folder}_backup_one").iterdir():
            with Image.open(path) as picture:
                large = picture.resize((96, 96), Image.Resampling.NEAREST)
            large.save(path, compress_level=1)
    sets = gather_training_data(tmp_path)
    seen, held_out = split_seen(sets, keys["one"])
    assert ([s.name for s in seen], [s.name for s in held_out]) == (["one"], ["two"])
