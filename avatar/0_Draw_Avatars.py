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
"""Step 0: draw festival avatars, on a contact sheet and as a folder of pictures with captions to train on.

Reads   nothing: avatars are drawn by avatar/drawing/
Writes  outputs/avatar/0_Draw_Avatars.png (contact sheet); with COUNT above 0 also FOLDER/NAME.png, NAME.txt (caption,
        as TrainLoRA.py reads it), masks/NAME.png (alpha) and attributes.csv
"""

from pathlib import Path
from typing import Annotated

from avatar.drawing.palette import Style
from common.errors import UserError
from common.files import check_output
from common.paths import OUTPUTS, shown
from common.runner import Range, Report, run

# ---- settings: edit here, or override once on the command line (--count 60 --style neon) ----
OUTPUT: Path = OUTPUTS / "avatar/0_Draw_Avatars.png"  # contact sheet
AVATARS: Annotated[int, Range(1, 2000)] = 60  # avatars on the sheet
COLUMNS: Annotated[int, Range(1, 100)] = 10  # columns of the sheet
FOLDER: Path = OUTPUTS / "avatar/drawn"  # folder of pictures, captions and masks
COUNT: Annotated[int, Range(0, 1_000_000)] = 0  # pictures in that folder; 0: draw the sheet alone
SIZE_PX: Annotated[int, Range(64, 2048)] = 256  # side of a picture, px
STYLE: Style = "plain"  # "neon": a neon festival poster
SEED: Annotated[int, Range(0, 2**32 - 1)] = 6  # another seed draws other characters


def main() -> Report:
    """Draw the sheet, and the folder if COUNT asks for one."""
    from avatar.drawing.attributes import characters
    from avatar.drawing.picture_folder import contact_sheet, write_picture_folder
    from common.images import write_png
    from common.journals import locked

    check_output(OUTPUT, [".png"])
    if FOLDER.is_file():
        raise UserError(f"setting FOLDER is {FOLDER}, which is a file; name a folder")
    sheet = contact_sheet(seed=SEED, count=AVATARS, size_px=min(SIZE_PX, 256), style=STYLE, columns=COLUMNS)
    write_png(OUTPUT, sheet)
    print(f"sheet: {shown(OUTPUT)}, {AVATARS} of {characters():.1e} characters")
    if COUNT:
        with locked(FOLDER, "FOLDER"):
            write_picture_folder(FOLDER, seed=SEED, count=COUNT, size_px=SIZE_PX, style=STYLE)
        print(f"{COUNT} pictures with captions and masks in {shown(FOLDER)}")
    return Report(OUTPUT, figures={"avatars": AVATARS, "count": COUNT, "characters": characters()})


if __name__ == "__main__":
    run(main)
