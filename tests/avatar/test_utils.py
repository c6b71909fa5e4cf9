"""The named entry, and its script as a user runs it."""

import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from avatar import utils
from avatar.cutout import background_removal, square_crop
from avatar.person.user_photos import sample_photo
from avatar.prompt import wording
from common.errors import UserError
from common.journals import LOCK, locked
from common.people.embedded_segmenter import MATTE, POSE, WEIGHTS
from common.weights import EMBEDDED, is_present
from tests.helpers import assert_user_error, run_script, with_settings

pytestmark = pytest.mark.slow
needs_weights = pytest.mark.skipif(
    not all(is_present(EMBEDDED[name]) for name in WEIGHTS), reason="python3 run.py fetch, for the embedded model"
)


def test_the_three_functions_are_the_ones_that_the_other_scripts_use() -> None:
    assert set(utils.__all__) == {"center_crop_to_square", "generate_weighted_prompt", "remove_background"}
    assert utils.center_crop_to_square is square_crop.center_crop_to_square
    assert utils.remove_background is background_removal.remove_background
    assert utils.generate_weighted_prompt is wording.generate_weighted_prompt


@needs_weights
def test_the_script_shows_crop_and_cutout_of_the_sample(tmp_path: Path) -> None:
    result = run_script("avatar/utils.py", "--output", tmp_path, "--side-px", 256)
    assert result.returncode == 0, result.stderr
    with Image.open(tmp_path / "crop.png") as crop, Image.open(tmp_path / "cutout.png") as cutout:
        assert (crop.size, crop.mode, cutout.size, cutout.mode) == ((256, 256), "RGB", (256, 256), "RGBA")
        alpha = np.asarray(cutout)[..., 3]
    assert alpha[90, 125] == 255 and alpha[230, 120] == 255, "her face and her suit"
    assert not alpha[:4].any() and alpha[:30].any(), "the top of her head, and little above"
    with Image.open(tmp_path / "preview.png") as preview:
        assert np.ptp(np.asarray(preview)) == 255
    assert set(json.loads((tmp_path / "run.json").read_text())["weights"]) == {MATTE, POSE}


@needs_weights
def test_a_folder_that_another_run_writes_is_left_alone(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(UserError, match="another run is writing it"):
        with_settings(utils.main)(output=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    result = run_script("avatar/utils.py", "--photo", tmp_path / "nobody.jpg", "--output", tmp_path / "out")
    assert_user_error(result, "nobody.jpg: no such file")
    assert not (tmp_path / "out").exists()


def test_the_sample_is_the_portrait_that_scikit_image_ships() -> None:
    with Image.open(sample_photo()) as sample:
        np.testing.assert_array_equal(np.asarray(sample), skimage.data.astronaut())
