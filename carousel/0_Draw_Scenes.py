# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "accelerate>=1.15",
#     "matplotlib>=3.11",
#     "numpy>=2.1",
#     "onnxruntime>=1.24",
#     "opencv-python-headless>=4.14,<5",
#     "pillow-heif>=1.1",
#     "pillow>=12.1",
#     "re-live",
#     "scikit-image>=0.26",
#     "torch>=2.11",
#     "torchvision>=0.26",
#     "tqdm>=4.67",
#     "tyro>=1.0",
# ]
#
# [tool.uv.sources]
# re-live = { path = "..", editable = true }
# ///
"""Step 0: draw the sample set in data/carousel again, byte for byte. Needed only after a change of the drawing code.

Reads   nothing: carousel/drawing/ draws festivals and people
Writes  data/carousel/photos/NAME.jpg, plates/NAME.jpg (the same scenes without people), masks/NAME_personN.png,
        people/NAME.png (cut-outs), index.csv, outputs/carousel/0_Draw_Scenes.png (overview of all pictures)
"""

from pathlib import Path
from typing import Annotated

from common.files import check_output
from common.journals import locked
from common.paths import DATA, OUTPUTS, shown
from common.runner import Range, Report, run

# ---- settings: edit here, or override once on the command line (--scenes 100 --output drawn) ----
OUTPUT: Path = DATA / "carousel"  # folder of the drawn set
SHEET: Path = OUTPUTS / "carousel/0_Draw_Scenes.png"  # overview picture
SEED: Annotated[int, Range(0, 2**32 - 1)] = 63  # another seed draws other scenes and people
SCENES: Annotated[int, Range(1, 100_000)] = 26  # number of scenes; the 13 kinds take turns
PEOPLE: Annotated[int, Range(0, 10_000)] = 12  # cut-outs under neutral light; every third is a half figure
WIDTH: Annotated[int, Range(192, 3840)] = 768  # width of a scene in pixels; its height is two thirds of the width


def main() -> Report:
    """Draw scenes and cut-outs, and an overview of them."""
    from carousel.drawing.sample_data import draw_people, draw_scenes, overview, write_index

    check_output(SHEET, [".png"])
    with locked(OUTPUT):
        rows, tiles = draw_scenes(OUTPUT, seed=SEED, count=SCENES, width=WIDTH)
        write_index(OUTPUT, rows)
        tiles += draw_people(OUTPUT, seed=SEED, count=PEOPLE)
        overview(SHEET, tiles)
    figures = {"scenes": len(rows), "people in them": sum(row.people for row in rows), "cut-outs": PEOPLE}
    print(
        ", ".join(f"{count} {name}" for name, count in figures.items())
        + f" in {shown(OUTPUT)}; overview: {shown(SHEET)}"
    )
    return Report(SHEET, figures=figures)


if __name__ == "__main__":
    run(main)
