"""Six people in four scenes, pasted and fused side by side: a picture to judge by eye.

    python -m tests.benchmarks.carousel_sheet                              all 24 pairs
    python -m tests.benchmarks.carousel_sheet --scenes gray_road sunset --people cut_boy

Three people are cut-outs of carousel_cases/, three are marked people of people/groups; three scenes are photos of
carousel_cases/, one is a drawn concert in magenta light. Pasting uses the same place and size, without shadow. Two
rows a scene, and of each picture the part around the person.
"""

import argparse
import dataclasses
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from carousel.Inference import fusion_settings
from carousel.staging.person_cutout import cut_out
from carousel.staging.scene_fusion import SceneFuser
from common.grids import picture_grid
from common.images import read_image, write_png
from common.paths import DATA, OUTPUTS
from common.people.selection import person_of
from tests.benchmarks.needs import real_files

SCENES = ("sunset", "dusk_house", "gray_road", "concert")
CONCERT = DATA / "carousel/plates/main_stage_2.jpg"
CUTOUTS = ("cut_boy", "cut_girl1", "cut_suit")
MARKED = ("241", "431", "389")  # photos of people/groups, by the last digits of their names; the first marked person
TILE_PX = 320
SHEET = OUTPUTS / "benchmarks/carousel_sheet.png"


def main() -> None:
    """Draw the sheet, and print where each person stands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", nargs="+", default=SCENES)
    parser.add_argument("--people", nargs="+", default=[*CUTOUTS, *MARKED])
    parser.add_argument("--output", type=Path, default=SHEET)
    parser.add_argument("--tile-px", type=int, default=TILE_PX)
    arguments = parser.parse_args()
    tiles, labels = [], []
    with tempfile.TemporaryDirectory() as folder:
        people = [person_file(name, Path(folder)) for name in arguments.people]
        for name in arguments.scenes:
            fuser = SceneFuser(dataclasses.replace(fusion_settings(), scene=scene_file(name)))
            pasted, fused = [], []
            for person in people:
                made = fuser.fuse(person)
                window = made.fused.window
                pasted.append(Image.fromarray(made.fused.pasted))
                fused.append(Image.fromarray(made.fused.picture[window]))
                print(
                    f"{person.stem} in {name}: {made.placement} {made.fused.light} {'; '.join(made.notes)}", flush=True
                )
            tiles += [*pasted, *fused]
            labels += [f"{person.stem}, {how}" for how in ("pasted", "fused") for person in people]
    write_png(arguments.output, picture_grid(tiles, labels, columns=len(people), tile_px=arguments.tile_px))
    print(f"picture: {arguments.output}")


def scene_file(name: str) -> Path:
    """The picture of a scene."""
    return CONCERT if name == "concert" else real_files(f"carousel_cases/{name}.png")[0]


def person_file(name: str, folder: Path) -> Path:
    """The cut-out of a person; marked people are cut out into the folder."""
    if name in CUTOUTS:
        return real_files(f"carousel_cases/{name}.png")[0]
    (photo,) = real_files(f"people/groups/photos/*{name}.jpg")
    mask = np.asarray(read_image(photo.parent.parent / f"masks/{photo.stem}_person1.png", "L")) > 127
    target = folder / f"{name}.png"
    write_png(target, Image.fromarray(cut_out(np.asarray(read_image(photo, "RGB")), person_of(mask, 1.0))))
    return target


if __name__ == "__main__":
    main()
