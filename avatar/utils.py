"""Crop, prompt and cut-out on their own: what the other scripts of this part do with a photo, to look at and to tune.

`from avatar.utils import center_crop_to_square, generate_weighted_prompt, remove_background` has them for a notebook.

Reads   PHOTO (the sample: NASA's portrait of Eileen Collins, which scikit-image ships), FEATURES where given
Writes  outputs/avatar/utils/: crop.png, cutout.png (RGBA), preview.png (on a checkerboard, on white, on black)
"""

from pathlib import Path

from avatar.cutout.background_removal import (
    DEFAULT_MODEL,
    ModelName,
    center_crop_to_square,
    previews,
    remove_background,
)
from avatar.prompt.wording import generate_weighted_prompt
from common.errors import UserError, check_range
from common.paths import OUTPUTS, shown
from common.runner import Report, run

__all__ = ["center_crop_to_square", "generate_weighted_prompt", "remove_background"]

# ---- settings: edit here, or override once on the command line (--photo me.jpg) ----
PHOTO: Path | None = None  # a photo, or a finished avatar; None: that of FEATURES, or else the sample
FEATURES: Path | None = None  # JSON of FeatureExtractor.py, for the face and the prompt; None: the middle, no prompt
OUTPUT = OUTPUTS / "avatar/utils"  # folder for the pictures
SIDE_PX = 1024  # side of the crop
ENLARGE = False  # enlarge a crop that is smaller; False: it stays smaller, and that is said
MODEL: ModelName = DEFAULT_MODEL  # "embedded", or a model of rembg; bria-rmbg is not for commercial use
ONLY_LARGEST = False  # keep the largest connected part alone
FILL_HOLES = False  # cover what the background shows through
CLEAN_EDGES = True  # take the old background's colours out of the edge
SEED = 0  # of the prompt's wording


def main(
    photo: Path | None = PHOTO,
    features: Path | None = FEATURES,
    output: Path = OUTPUT,
    side_px: int = SIDE_PX,
    enlarge: bool = ENLARGE,
    model: ModelName = MODEL,
    only_largest: bool = ONLY_LARGEST,
    fill_holes: bool = FILL_HOLES,
    clean_edges: bool = CLEAN_EDGES,
    seed: int = SEED,
) -> Report:
    """Crop the photo, cut its person out, and write the prompt to the screen."""
    from avatar.cutout.background_removal import load_remover
    from avatar.person.features import read_features
    from avatar.person.visitors import sample_photo
    from common.files import sha256_of
    from common.images import read_image, write_png

    check_range("SIDE_PX", side_px, 64, 4096)
    known = read_features(features) if features else None
    photo = photo or (Path(known.photo) if known and known.photo else sample_photo())
    image = read_image(photo, "RGB")
    if known and known.face_box and sha256_of(photo) != known.photo_sha256:
        raise UserError(f"{photo}: is not the photo that {features} was made from; make it anew by FeatureExtractor.py")
    remover = load_remover(model)
    try:
        crop = center_crop_to_square(image, known.face_box if known else None, side_px, enlarge)
        cutout = remove_background(crop, model, only_largest, fill_holes, clean_edges)
    except UserError as error:
        raise UserError(f"{photo}: {error}") from error

    for name, picture in (("crop", crop), ("cutout", cutout), ("preview", previews(cutout))):
        write_png(output / f"{name}.png", picture)
        print(f"written: {shown(output / f'{name}.png')}")
    if known:
        prompt = generate_weighted_prompt(known, seed)
        print(f"prompt: {prompt.text}\nnegative prompt: {prompt.negative}")
    inputs = [photo, features] if features else [photo]
    return Report(output, inputs, {"crop px": crop.width}, device=remover.device, weights=remover.weights)


if __name__ == "__main__":
    run(main)
