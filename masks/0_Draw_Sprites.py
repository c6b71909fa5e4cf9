"""Step 0: draw everything in data/masks again, pixel by pixel the same. Needed only after the drawing code was changed.

Reads   nothing: characters, clothes and walk are drawn by masks/drawing/characters.py and the modules that it uses
Writes  data/masks/frames_backup_<animation>/base_frame_XX.png and clothed_frame_XX.png,
        data/masks/masks_backup_<animation>/mask_XX.png, data/masks/sheets/base.png, clothed.png and other_body.png,
        outputs/masks/0_Draw_Sprites.png (all of it on one sheet)
"""

from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from common.files import check_output
from common.grids import picture_grid
from common.images import write_png
from common.paths import DATA, OUTPUTS, shown
from common.runner import Report, run
from masks.drawing.characters import (
    LIGHTS,
    OTHER_BODY,
    SET_PHASES,
    SETS,
    SHEET_CHARACTER,
    Frame,
    draw_set,
    draw_sheets,
)
from masks.sets.naming import base_name, clothed_name, mask_name

# ---- settings: edit here, or override once on the command line (--output drawn) ----
OUTPUT = DATA / "masks"  # folder of the sets and spritesheets
SHEET = OUTPUTS / "masks/0_Draw_Sprites.png"  # overview picture


def main(output: Path = OUTPUT, sheet: Path = SHEET) -> Report:
    """Draw every set and the spritesheets."""
    check_output(sheet, [".png"])
    tiles: list[Image.Image] = []
    labels: list[str] = []
    total = sum(len(drawn.characters) * len(SET_PHASES) for drawn in SETS.values())
    with tqdm(total=total, desc="drawing", unit="frame") as bar:
        for name, drawn in SETS.items():
            for index, frame in enumerate(draw_set(drawn)):
                write_frame(output, name, index, frame)
                bar.update()
                character, phase = divmod(index, len(SET_PHASES))
                if character == phase:  # each character once, in another phase
                    tiles += [Image.fromarray(picture) for picture in (frame.base, frame.clothed, frame.mask)]
                    labels += [f"{drawn.characters[character].name}, base\n{name}", "clothed\n ", "mask\n "]
    base, clothed = draw_sheets(SHEET_CHARACTER, LIGHTS[0])
    other, _ = draw_sheets(OTHER_BODY)
    for file, picture in {"base": base, "clothed": clothed, "other_body": other}.items():
        write_png(output / f"sheets/{file}.png", Image.fromarray(picture))
    columns = len(tiles) // len(SETS)
    write_png(sheet, picture_grid(tiles, labels, columns, tile_px=192, title="Sprites drawn by the project"))
    print(f"{total} frames in {len(SETS)} sets, and 3 spritesheets, in {shown(output)}; overview: {shown(sheet)}")
    return Report(sheet, figures={"frames": total, "sets": len(SETS)})


def write_frame(output: Path, animation: str, index: int, frame: Frame) -> None:
    """Write the three pictures of a frame under the names of a set that trains."""
    number = f"{index:02d}"
    files: dict[str, np.ndarray] = {
        f"frames_backup_{animation}/{base_name(number)}": frame.base,
        f"frames_backup_{animation}/{clothed_name(number)}": frame.clothed,
        f"masks_backup_{animation}/{mask_name(number)}": frame.mask,
    }
    for file, picture in files.items():
        write_png(output / file, Image.fromarray(picture))


if __name__ == "__main__":
    run(main)
