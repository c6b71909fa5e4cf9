"""Step 1: choose every user's accessories by cosine similarity.

For each user the best TOP_N accessories of Head, Torso and Face are found by cosine similarity; of all TOP_N^3 sets
that these make, the one is taken whose combined vector (the sum of its three raw vectors) has the highest cosine
with the user. Ties, within 1e-6, go by name. A user who scored nothing has cosine 0 with everything and so gets the
first names.

Reads   data/pet/users.csv (any table of genre scores, .csv or .parquet), data/pet/AccessoryDataset.csv
Writes  outputs/pet/1_TopN.csv (or .parquet): users, chosen accessories, all vectors, scores, ranks;
        outputs/pet/1_TopN.json
"""

from pathlib import Path

from common.errors import check_range
from common.files import check_output
from common.paths import DATA, OUTPUTS, shown
from common.runner import Report, run
from common.surveys.dialects import TABLE_SUFFIXES as CHOICE_SUFFIXES
from common.surveys.survey import open_survey
from pet.choosing.choose_all import check_sets, choose_for_all
from pet.choosing.wardrobe import SLOTS, load_wardrobe

# ---- settings: edit here, or override once on the command line (--top-n 5) ----
USERS = DATA / "pet/users.csv"  # table of tastes, .csv or .parquet
ACCESSORIES = DATA / "pet/AccessoryDataset.csv"  # names, types, files and genre vectors
OUTPUT = OUTPUTS / "pet/1_TopN.csv"  # .csv or .parquet
TOP_N: int | None = 3  # accessories of each slot that go on to the sets; None: all, the exact optimum
COLUMNS = ""  # what your own columns mean: "Polka=folk, Country=" (nothing: leave it out)
SCALE = "auto"  # scale of the answers, such as 1-5; auto: found from the lowest and highest one


def main(
    users: Path = USERS,
    accessories: Path = ACCESSORIES,
    output: Path = OUTPUT,
    top_n: int | None = TOP_N,
    columns: str = COLUMNS,
    scale: str = SCALE,
) -> Report:
    """Choose for everybody in the table."""
    check_output(output, CHOICE_SUFFIXES, [users, accessories])
    wardrobe = load_wardrobe(accessories)
    sizes = [len(wardrobe.slots[slot]) for slot in SLOTS]
    if top_n is not None:
        check_range("TOP_N", top_n, 1, min(sizes))
    check_sets(sizes if top_n is None else [top_n] * 3)
    survey = open_survey(users, columns, scale)
    print(survey.describe())
    figures = choose_for_all(survey, wardrobe, top_n, output)
    for name, value in figures.items():
        print(f"{name}: {value}")
    print(f"written: {shown(output)}")
    return Report(output, [users, accessories], figures)


if __name__ == "__main__":
    run(main)
