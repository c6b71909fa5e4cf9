"""Step 0: draw festival avatars, on a contact sheet and as a folder of pictures with captions to train on.

Reads   nothing: avatars are drawn by avatar/drawing/avatars.py and the modules that it uses
Writes  outputs/avatar/0_Draw_Avatars.png (the first of them on one sheet); with COUNT above 0 also FOLDER/NAME.png,
        NAME.txt (the caption, as TrainLoRA.py wants it), masks/NAME.png (alpha) and attributes.csv
"""

from pathlib import Path

from common.errors import UserError, check_range
from common.files import check_output
from common.paths import OUTPUTS, shown
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--count 60 --style neon) ----
OUTPUT = OUTPUTS / "avatar/0_Draw_Avatars.png"  # contact sheet
AVATARS = 60  # on the sheet
COLUMNS = 10  # of the sheet
FOLDER = OUTPUTS / "avatar/drawn"  # of pictures, captions and masks
COUNT = 0  # pictures in that folder; 0 writes the sheet alone
SIZE_PX = 256  # side of a picture
STYLE = "plain"  # or "neon": a neon festival poster
SEED = 6  # another seed draws other characters


def main(
    output: Path = OUTPUT,
    avatars: int = AVATARS,
    columns: int = COLUMNS,
    folder: Path = FOLDER,
    count: int = COUNT,
    size_px: int = SIZE_PX,
    style: str = STYLE,
    seed: int = SEED,
) -> Report:
    """Draw the sheet, and the folder where one is asked for."""
    from avatar.drawing.attributes import characters
    from avatar.drawing.avatars import STYLES
    from avatar.drawing.picture_folder import contact_sheet, write_picture_folder
    from common.images import write_png

    check_output(output, [".png"])
    check_range("AVATARS", avatars, 1, 2000)
    check_range("COLUMNS", columns, 1, 100)
    check_range("COUNT", count, 0, 1_000_000)
    check_range("SIZE_PX", size_px, 64, 2048)
    check_range("SEED", seed, 0, 2**32 - 1)
    if style not in STYLES:
        raise UserError(f"setting STYLE is {style!r}; it must be one of {', '.join(STYLES)}")
    if folder.is_file():
        raise UserError(f"setting FOLDER is {folder}, which is a file")
    write_png(output, contact_sheet(seed, avatars, min(size_px, 256), style, columns))
    print(f"sheet: {shown(output)}, {avatars} of {characters():.1e} characters")
    if count:
        write_picture_folder(folder, seed, count, size_px, style)
        print(f"{count} pictures with captions and masks in {shown(folder)}")
    return Report(output, figures={"avatars": avatars, "count": count, "characters": characters()})


if __name__ == "__main__":
    run(main)
