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
"""Step 1: choose every user's accessories by cosine similarity.

For each user the best TOP_N accessories of Head, Torso and Face are found by cosine similarity with the taste, each
value squared so that favourites count more. Of all TOP_N^3 sets that these make, the best is the one whose combined
vector (the sum of its three raw vectors) has the highest cosine with it. The user's name and SEED choose among the sets
that lose at most 0.02 of cosine against the best one; IDENTICAL takes the best one. Ties, within 1e-6, go by name.
A user who likes nothing gets accessories that say so.

Reads   data/pet/users.csv (any table of genre scores, see README.md), data/pet/AccessoryDataset.csv
Writes  outputs/pet/1_TopN.csv (or .parquet): users, chosen accessories, all vectors, scores, ranks;
        outputs/pet/1_TopN.json
"""

from pathlib import Path
from typing import Annotated

from common.files import check_output
from common.paths import DATA, OUTPUTS, shown
from common.ray_engine import Engine, ray_cluster
from common.runner import Range, Report, run
from common.surveys.dialects import TABLE_SUFFIXES as CHOICE_SUFFIXES
from common.surveys.survey import open_survey
from pet.choosing.choose_all import check_rule, choose_for_all
from pet.choosing.recommender import Rule
from pet.choosing.wardrobe import load_wardrobe

# ---- settings: edit here, or override once on the command line (--top-n 5) ----
USERS: Path = DATA / "pet/users.csv"  # table of tastes: .csv, .tsv, .txt, .xlsx, .json or .parquet
ACCESSORIES: Path = DATA / "pet/AccessoryDataset.csv"  # names, types, files and genre vectors
OUTPUT: Path = OUTPUTS / "pet/1_TopN.csv"  # table of the chosen sets, .csv or .parquet
TOP_N: Annotated[int | None, Range(1, 1_000_000)] = 3  # best of each slot to combine; None: all
IDENTICAL: bool = False  # the best set for everybody of one taste; False: names choose among nearly equal sets
SEED: Annotated[int, Range(0, 2**32 - 1)] = 0  # counts with the name; another seed, other sets
HEAD: str = ""  # accessory that everybody wears on the head, such as "Cowboy hat"; empty: chosen
TORSO: str = ""  # the same for the torso
FACE: str = ""  # the same for the face
COLUMNS: str = ""  # meaning of your own columns: "Polka=folk, Country=" (nothing after "=": leave it out)
SCALE: str = "auto"  # scale of the answers, such as 1-5, or 5-1 where 1 is the best; auto: found from the answers
MISSING: str = "auto"  # numbers that mean no answer, such as 0, 99; auto: usual codes far from the answers; none: none
NAME_COLUMN: str = ""  # column that names the person, or several, separated by commas; empty: found by its name
ANSWERS: str = ""  # meaning of your own answer words: "lots=5, meh=2, no idea=" (nothing after "=": no answer)
SHEET: str = ""  # sheet of a workbook; empty: the one that has genres
ENGINE: Engine = "local"  # "local": processes of this machine; "ray": Ray, on one machine or many (docs/cluster.md)
RAY_ADDRESS: str = ""  # of a running Ray cluster, such as 10.0.0.1:6379; empty: Ray on this machine alone
WORKER_CPUS: Annotated[int, Range(1, 1024)] = 1  # cores that each worker of Ray asks for; more: fewer a machine
WORKERS: Annotated[int | None, Range(1, 1024)] = None  # of Ray; None: one per core


def main() -> Report:
    """Choose for everybody in the table."""
    check_output(OUTPUT, CHOICE_SUFFIXES, [USERS, ACCESSORIES])
    wardrobe = load_wardrobe(ACCESSORIES)
    rule = Rule(top_n=TOP_N, identical=IDENTICAL, seed=SEED, pins={"Head": HEAD, "Torso": TORSO, "Face": FACE})
    check_rule(wardrobe, rule)
    ray = ray_cluster(engine=ENGINE, address=RAY_ADDRESS, workers=WORKERS, worker_cpus=WORKER_CPUS)
    survey = open_survey(
        USERS,
        columns=COLUMNS,
        scale=SCALE,
        missing=MISSING,
        name_column=NAME_COLUMN,
        answers=ANSWERS,
        sheet=SHEET,
        folder=OUTPUT.parent if ray else None,
    )
    print(survey.describe())
    figures = choose_for_all(survey, wardrobe, rule, output=OUTPUT, ray=ray)
    if empty := survey.describe_empty():
        print(empty)
    for name, value in figures.items():
        print(f"{name}: {value}")
    print(f"written: {shown(OUTPUT)}")
    return Report(OUTPUT, [USERS, ACCESSORIES], figures)


if __name__ == "__main__":
    run(main)
