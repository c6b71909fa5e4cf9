# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "accelerate>=1.15",
#     "ai-edge-litert>=2.3",
#     "deepface>=0.0.103",
#     "diffusers>=0.42",
#     "huggingface-hub>=2.4",
#     "matplotlib>=3.11",
#     "numpy>=2.1",
#     "onnxruntime>=1.24",
#     "opencv-contrib-python-headless>=4.14,<5",
#     "opencv-python-headless>=4.14,<5",
#     "openpyxl>=3.1",
#     "peft>=0.21",
#     "pillow-heif>=1.1",
#     "pillow>=12.1",
#     "pyarrow>=19",
#     "re-live",
#     "rembg>=2.0.86",
#     "resvg-py>=0.2",
#     "safetensors>=0.8",
#     "scikit-image>=0.26",
#     "torch>=2.11",
#     "tqdm>=4.67",
#     "transformers>=5.23",
#     "tyro>=1.0",
#     "werkzeug>=3.1",
# ]
#
# [tool.uv.sources]
# re-live = { path = "..", editable = true }
# ///
"""Cut-out, crop and prompt as separate functions, to look at and tune what the other scripts of this part do.

The whole photo is cut out first, then cropped to head and shoulders around the face of FEATURES, or the largest face.

For a notebook: `from avatar.utils import center_crop_to_square, generate_weighted_prompt, remove_background`.

Reads   PHOTO (the sample: NASA's portrait of Eileen Collins, which scikit-image ships), FEATURES if given
Writes  outputs/avatar/utils/: crop.png, cutout.png (RGBA), preview.png (on a checkerboard, on white, on black)
"""

import warnings
from pathlib import Path
from typing import Annotated

import numpy as np
from PIL import Image

from avatar.cutout.background_removal import is_solid, keep_largest_part, previews, remove_background
from avatar.cutout.foreground_models import DEFAULT_MODEL, ModelName
from avatar.cutout.square_crop import center_crop_to_square
from avatar.prompt.wording import generate_weighted_prompt
from common.errors import UserError
from common.paths import OUTPUTS, shown
from common.people.contrast import warning_of
from common.people.selection import Box
from common.runner import Range, Report, run

__all__ = ["center_crop_to_square", "generate_weighted_prompt", "remove_background"]

# ---- settings: edit here, or override once on the command line (--photo me.jpg) ----
PHOTO: Path | None = None  # photo, or finished avatar; None: the photo of FEATURES, or else the sample
FEATURES: Path | None = None  # JSON of FeatureExtractor.py, for face and prompt; None: the largest face, no prompt
OUTPUT: Path = OUTPUTS / "avatar/utils"  # folder for the pictures
SIDE_PX: Annotated[int, Range(64, 4096)] = 1024  # side of the crop
ENLARGE: bool = False  # enlarge a crop that is smaller; False: it stays smaller, with a warning
MODEL: ModelName = DEFAULT_MODEL  # "embedded", or a model of rembg; bria-rmbg is not for commercial use
ONLY_LARGEST: bool = True  # keep only the largest connected part of the crop
FILL_HOLES: bool = False  # make background that the figure encloses opaque
CLEAN_EDGES: bool = True  # remove the old background's colours from the edge
SEED: Annotated[int, Range(0, 2**63 - 1)] = 0  # seed of the prompt's wording


def main() -> Report:
    """Cut the photo's person out, crop photo and cut-out around the face, and print the prompt."""
    from avatar.cutout.foreground_models import load_foreground_model
    from avatar.person.features import read_features
    from avatar.person.user_photos import sample_photo
    from common.files import sha256_of
    from common.images import read_image, write_png
    from common.journals import locked
    from common.stores.copies import brought

    known = read_features(FEATURES) if FEATURES else None
    photo = PHOTO or (brought(Path(known.photo)) if known and known.photo else sample_photo())
    image = read_image(photo, "RGB")
    if known and known.face_box and sha256_of(photo) != known.photo_sha256:
        raise UserError(f"{photo}: is not the photo that {FEATURES} was made from; run FeatureExtractor.py again")
    face_box = known.face_box if known else largest_face(image)
    foreground = load_foreground_model(MODEL)
    try:
        whole = remove_background(image, model=MODEL, fill_holes=FILL_HOLES, clean_edges=CLEAN_EDGES)
        figure = is_solid(whole)
        crop = center_crop_to_square(image, face_box, side_px=SIDE_PX, enlarge=ENLARGE, figure=figure)
        cutout = center_crop_to_square(whole, face_box, side_px=crop.width, enlarge=ENLARGE, figure=figure)
    except UserError as error:
        raise UserError(f"{photo}: {error}") from error
    doubt = warning_of(np.asarray(image), figure)
    if doubt:
        warnings.warn(f"{photo.name}: {doubt}", stacklevel=1)
    if ONLY_LARGEST:
        cutout = keep_largest_part(cutout)

    with locked(OUTPUT):
        for name, picture in (("crop", crop), ("cutout", cutout), ("preview", previews(cutout))):
            write_png(OUTPUT / f"{name}.png", picture)
            print(f"written: {shown(OUTPUT / f'{name}.png')}")
    if known:
        prompt = generate_weighted_prompt(known, seed=SEED)
        print(f"prompt: {prompt.text}\nnegative prompt: {prompt.negative}")
    return Report(
        output=OUTPUT,
        inputs=[photo, FEATURES] if FEATURES else [photo],
        figures={"crop px": crop.width, "face": list(face_box or ())},
        device=foreground.device,
        weights=foreground.weights,
    )


def largest_face(image: Image.Image) -> Box | None:
    """The box of the largest face, XYXY px; None if there is none, as in many drawings."""
    from avatar.person.face_detector import FaceDetector

    boxes = [face.box for face in FaceDetector().find_faces(image)]
    if len(boxes) > 1:
        print(f"{len(boxes)} faces found, the largest one is used; FEATURES chooses another")
    return max(boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]), default=None)


if __name__ == "__main__":
    run(main)
