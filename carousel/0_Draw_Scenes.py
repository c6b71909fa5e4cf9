"""Step 0: draw everything in data/carousel again, byte by byte the same. Needed only after the drawing was changed.

Reads   nothing: festivals and people are drawn by carousel/drawing/scenes.py and the modules that it uses
Writes  data/carousel/photos/NAME.jpg, plates/NAME.jpg (the same without people), masks/NAME_personN.png,
        people/NAME.png (cut-outs), index.csv, outputs/carousel/0_Draw_Scenes.png (all of it on one sheet)
"""

from pathlib import Path

from common.errors import check_range
from common.files import check_output
from common.paths import DATA, OUTPUTS, shown
from common.runner import Report, run

# ---- settings: edit here, or override once on the command line (--scenes 100 --output drawn) ----
OUTPUT = DATA / "carousel"  # folder of the drawn set
SHEET = OUTPUTS / "carousel/0_Draw_Scenes.png"  # overview picture
SEED = 63  # another seed draws other scenes and people
SCENES = 26  # how many; the 13 kinds take turns
PEOPLE = 12  # cut-outs under neutral light; every third is a half figure
WIDTH = 768  # of a scene, in pixels; its height is two thirds of it


def main(
    output: Path = OUTPUT,
    sheet: Path = SHEET,
    seed: int = SEED,
    scenes: int = SCENES,
    people: int = PEOPLE,
    width: int = WIDTH,
) -> Report:
    """Draw scenes and cut-outs, and lay them out on a sheet."""
    from carousel.drawing.sample_data import draw_people, draw_scenes, overview, write_index

    check_output(sheet, [".png"])
    check_range("SEED", seed, 0, 2**32 - 1)
    check_range("SCENES", scenes, 1, 100_000)
    check_range("PEOPLE", people, 0, 10_000)
    check_range("WIDTH", width, 192, 3840)
    rows, tiles = draw_scenes(output, seed, scenes, width)
    write_index(output, rows)
    tiles += draw_people(output, seed, people)
    overview(sheet, tiles)
    figures = {"scenes": len(rows), "people in them": sum(row.people for row in rows), "cut-outs": people}
    print(
        ", ".join(f"{count} {name}" for name, count in figures.items())
        + f" in {shown(output)}; overview: {shown(sheet)}"
    )
    return Report(sheet, figures=figures)


if __name__ == "__main__":
    run(main)
