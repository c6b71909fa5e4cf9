"""How good are three ways to choose? Random KNN, the best of each slot, and the best set, on the same people.

Reads   data/pet/users.csv or synthetic users, data/pet/AccessoryDataset.csv and its pictures
Writes  outputs/pet/PetEval.png: mean cosine, spread, accessories never used, and a few pets of each way;
        outputs/pet/PetEval.csv: the same figures as a table
"""

from pathlib import Path
from typing import Annotated

import numpy as np

from common.errors import check_range
from common.files import check_output, write_text
from common.images import write_png
from common.paths import DATA, OUTPUTS, shown
from common.runner import Range, Report, run
from pet.choosing.knn import choose_among_nearest, set_cosines
from pet.choosing.matching import best_sets
from pet.choosing.wardrobe import SLOTS, check_pictures, load_bodies, load_wardrobe
from pet.data import data_transform, get_some_data
from pet.drawing.comparison_figure import MethodResult, draw_comparison

# ---- settings: edit here, or override once on the command line (--synthetic-users 5000) ----
USERS: Path = DATA / "pet/users.csv"  # table of tastes
SYNTHETIC_USERS: Annotated[int, Range(0, 1_000_000)] = 0  # random users instead of the table; 0: the table
ACCESSORIES: Path = DATA / "pet/AccessoryDataset.csv"  # names, types, files and genre vectors
BODIES: Path = DATA / "pet/Body"  # folder of base bodies
K: Annotated[int, Range(1, 1_000_000)] = 3  # nearest of each slot, for KNN and the best set
SEED: Annotated[int, Range(0, 2**32 - 1)] = 0  # seed of random KNN and of synthetic users
SAMPLES: Annotated[int, Range(1, 12)] = 5  # number of people whose pets are drawn
OUTPUT: Path = OUTPUTS / "pet/PetEval.png"  # figure; the table is written beside it


def main() -> Report:
    """Compare the three ways on the same people."""
    inputs = [ACCESSORIES, *([] if SYNTHETIC_USERS else [USERS])]
    check_output(OUTPUT, (".png",), inputs)
    check_output(OUTPUT.with_suffix(".csv"), (".csv",), inputs)
    wardrobe, base = load_wardrobe(ACCESSORIES), load_bodies(BODIES)
    check_range("K", K, 1, min(len(wardrobe.vectors(slot)) for slot in SLOTS))
    check_pictures(wardrobe, list(base.values()))
    people = data_transform(get_some_data(SYNTHETIC_USERS, seed=SEED) if SYNTHETIC_USERS else USERS)
    slots = [wardrobe.vectors(slot) for slot in SLOTS]
    nearest = best_sets(people.vectors, slots, 1)
    ways = {
        "random KNN": choose_among_nearest(people.vectors, slots, k=K, seed=SEED),
        "best of each slot": nearest,
        "best set": best_sets(people.vectors, slots, n=K),
    }
    outcomes = [
        MethodResult(way, sets.indices, set_cosines(people.vectors, slots, sets.indices), tuple(map(len, slots)))
        for way, sets in ways.items()
    ]
    lines = ["strategy,people,mean cosine,standard deviation,lowest,accessories never used"]
    for outcome in outcomes:
        lines.append(outcome.as_csv())
        print(outcome)
    write_png(OUTPUT, draw_comparison(outcomes, people.users, wardrobe, base, min(SAMPLES, len(people.users))))
    write_text(OUTPUT.with_suffix(".csv"), "\n".join(lines) + "\n")
    print(f"written: {shown(OUTPUT)}, {shown(OUTPUT.with_suffix('.csv'))}")
    figures = {outcome.way: round(float(np.mean(outcome.cosines)), 4) for outcome in outcomes}
    return Report(OUTPUT, inputs, figures)


if __name__ == "__main__":
    run(main)
