# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "matplotlib>=3.11",
#     "numpy>=2.1",
#     "openpyxl>=3.1",
#     "pandas>=2.3",
#     "pillow-heif>=1.1",
#     "pillow>=12.1",
#     "pyarrow>=19",
#     "re-live",
#     "resvg-py>=0.2",
#     "threadpoolctl>=3.5",
#     "tqdm>=4.67",
#     "tyro>=1.0",
# ]
#
# [tool.uv.sources]
# re-live = { path = "..", editable = true }
# ///
"""Step 0: draw everything in data/pet again, bit for bit. Needed only after an SVG was added or changed.

Reads   data/pet/art/{Body,Head,Face,Torso}/*.svg, data/pet/art/Body/markings/*.svg
Writes  data/pet/{Body,Head,Face,Torso}/*.png, data/pet/Body/{coats,markings}/*.png,
        data/pet/AccessoryDataset.csv, data/pet/users.csv, outputs/pet/0_Draw_Data.png (all of it on one sheet)
"""

from pathlib import Path
from typing import Annotated

from tqdm import tqdm

from common.errors import raise_faults
from common.files import write_csv
from common.genres import GENRES
from common.grids import picture_grid
from common.images import write_png
from common.journals import locked
from common.paths import DATA, OUTPUTS, shown
from common.runner import Range, Report, run
from pet.choosing.wardrobe import LAYERS, NOTHING
from pet.drawing.artwork import read_drawing, render, sample_users
from pet.drawing.coats import DRAWN_IN, body_shares

# ---- settings: edit here, or override once on the command line (--output drawn) ----
ART: Path = DATA / "pet/art"  # folder of the SVG drawings
OUTPUT: Path = DATA / "pet"  # folder for the pictures and tables
SHEET: Path = OUTPUTS / "pet/0_Draw_Data.png"  # overview picture
COMPRESS_LEVEL: Annotated[int, Range(0, 9)] = 9  # of the PNG files: 0 fast to 9 small


def main() -> Report:
    """Draw every SVG and write both tables."""
    files = {kind: sorted((ART / kind).glob("*.svg")) for kind in ("Body", *LAYERS)}
    raise_faults(str(ART), [f"no SVG in {kind}/" for kind, paths in files.items() if not paths])
    drawings = [(kind, read_drawing(path)) for kind, paths in files.items() for path in paths]
    rows, pictures = [], []
    with locked(OUTPUT):
        for kind, drawing in tqdm(drawings, desc="drawing", unit="picture"):
            file = f"{kind}/{drawing.path.stem}.png"
            picture = render(drawing.path)
            write_png(OUTPUT / file, picture, compress_level=COMPRESS_LEVEL)
            pictures.append(picture.resize((256, 256)))
            if kind != "Body":
                weights = {genre: f"{drawing.genres.get(genre, 0):g}" for genre in GENRES}
                nothing = {NOTHING: "0" if drawing.genres else "1"}
                rows.append({"name": drawing.name, "type": kind, "file": file} | weights | nothing)
            elif drawing.path.stem in DRAWN_IN:
                write_png(
                    OUTPUT / f"Body/coats/{drawing.path.stem}.png",
                    body_shares(drawing.path),
                    compress_level=COMPRESS_LEVEL,
                )
        for path in sorted((ART / "Body/markings").glob("*.svg")):
            write_png(OUTPUT / f"Body/markings/{path.stem}.png", render(path), compress_level=COMPRESS_LEVEL)
        for name, table in (("AccessoryDataset.csv", rows), ("users.csv", sample_users())):
            write_csv(OUTPUT / name, [table[0].keys(), *(row.values() for row in table)])
        write_png(SHEET, picture_grid(pictures, [drawing.name for _, drawing in drawings], columns=13, tile_px=192))
    print(f"{len(drawings)} pictures, {len(rows)} of them accessories; overview: {shown(SHEET)}")
    return Report(SHEET, inputs=[drawing.path for _, drawing in drawings])


if __name__ == "__main__":
    run(main)
