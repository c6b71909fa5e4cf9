"""How good are three ways to choose? Random KNN, the best of each slot, and the best set, on the same people.

Reads   data/pet/users.csv or synthetic users, data/pet/AccessoryDataset.csv and its pictures
Writes  outputs/pet/PetEval.png: mean cosine, spread, accessories never used, and a few pets of each way;
        outputs/pet/PetEval.csv: the same figures as a table
"""

from pathlib import Path

import numpy as np

from common.errors import check_range
from common.files import check_output, write_text
from common.images import write_png
from common.paths import DATA, OUTPUTS, shown
from common.runner import Report, run
from pet.choosing.matching import best_sets
from pet.choosing.neighbours import choose_among_nearest, set_cosines
from pet.choosing.wardrobe import SLOTS, check_pictures, load_bodies, load_wardrobe
from pet.data import data_transform, get_some_data
from pet.drawing.comparison_figure import Outcome, draw_comparison

# ---- settings: edit here, or override once on the command line (--synthetic-users 5000) ----
USERS = DATA / "pet/users.csv"  # table of tastes
SYNTHETIC_USERS = 0  # random users instead of the table; 0: the table
ACCESSORIES = DATA / "pet/AccessoryDataset.csv"  # names, types, files and genre vectors
BODIES = DATA / "pet/Body"  # folder of base bodies
K = 3  # nearest accessories that random KNN draws from; also the short list of the best set
SEED = 0  # of random KNN and of synthetic users
SAMPLES = 5  # people whose pets are drawn
OUTPUT = OUTPUTS / "pet/PetEval.png"  # the figure; the table lies beside it


def main(
    users: Path = USERS,
    synthetic_users: int = SYNTHETIC_USERS,
    accessories: Path = ACCESSORIES,
    bodies: Path = BODIES,
    k: int = K,
    seed: int = SEED,
    samples: int = SAMPLES,
    output: Path = OUTPUT,
) -> Report:
    """Compare the three ways on the same people."""
    inputs = [accessories, *([] if synthetic_users else [users])]
    check_output(output, (".png",), inputs)
    check_output(output.with_suffix(".csv"), (".csv",), inputs)
    wardrobe, base = load_wardrobe(accessories), load_bodies(bodies)
    check_range("K", k, 1, min(len(wardrobe.slots[slot]) for slot in SLOTS))
    check_range("SAMPLES", samples, 1, 12)
    check_range("SYNTHETIC_USERS", synthetic_users, 0, 1_000_000)
    check_range("SEED", seed, 0, 2**32 - 1)
    check_pictures(wardrobe, list(base.values()))
    people = data_transform(get_some_data(synthetic_users, seed) if synthetic_users else users)
    slots = [wardrobe.vectors(slot) for slot in SLOTS]
    nearest = best_sets(people.vectors, slots, 1)
    ways = {
        "random KNN": choose_among_nearest(people.vectors, slots, k, seed),
        "best of each slot": nearest,
        "best set": best_sets(people.vectors, slots, k),
    }
    outcomes = [
        Outcome(way, sets.indices, set_cosines(people.vectors, slots, sets.indices), tuple(map(len, slots)))
        for way, sets in ways.items()
    ]
    lines = ["strategy,people,mean cosine,standard deviation,lowest,accessories never used"]
    for outcome in outcomes:
        lines.append(outcome.as_csv())
        print(outcome)
    write_png(output, draw_comparison(outcomes, people.users, wardrobe, base, min(samples, len(people.users))))
    write_text(output.with_suffix(".csv"), "\n".join(lines) + "\n")
    print(f"written: {shown(output)}, {shown(output.with_suffix('.csv'))}")
    figures = {outcome.way: round(float(np.mean(outcome.cosines)), 4) for outcome in outcomes}
    return Report(output, inputs, figures)


if __name__ == "__main__":
    run(main)
