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
"""Look at the data: check the accessories, make synthetic users, align a survey of your own.

    python pet/data.py                              check AccessoryDataset.csv and every picture
    python pet/data.py --survey answers.csv         also report how the survey's columns are understood
    python pet/data.py --synthetic-users 1000       also write a table of random users

    from pet.data import data_transform, get_some_data, get_specific_file       in a script of your own

Reads   data/pet/AccessoryDataset.csv and the pictures that it names; the survey, if one is given
Writes  outputs/pet/data.png (every accessory with its main genres); outputs/pet/synthetic_users.csv if asked for;
        outputs/pet/survey.png and survey.txt (what is understood of the survey), and tastes.parquet (its people and
        tastes as a plain table, which every script reads without settings)
"""

from pathlib import Path
from typing import Annotated

from common.files import atomic_path, check_output, write_text
from common.images import write_png
from common.paths import DATA, OUTPUTS, shown
from common.runner import Range, Report, run
from common.surveys.page import survey_page, survey_text
from common.surveys.survey import open_survey, write_tastes
from pet.choosing.tastes import Aligned, data_transform, get_some_data
from pet.choosing.wardrobe import SLOTS, check_dataset, get_specific_file
from pet.drawing.contact_sheets import accessory_sheet

__all__ = ["Aligned", "check_dataset", "data_transform", "get_some_data", "get_specific_file"]

# ---- settings: edit here, or override once on the command line (--survey answers.csv) ----
ACCESSORIES: Path = DATA / "pet/AccessoryDataset.csv"  # table to check
SURVEY: Path | None = None  # a table of tastes to align with the genres: .csv, .tsv, .txt, .xlsx, .json, .parquet
COLUMNS: str = ""  # meaning of your own columns: "Polka=folk, Country=" (nothing after "=": leave it out)
SCALE: str = "auto"  # scale of the answers, such as 1-5, or 5-1 where 1 is the best; auto: found from the answers
MISSING: str = "auto"  # numbers that mean no answer, such as 0, 99; auto: usual codes far from the answers; none: none
NAME_COLUMN: str = ""  # column that names the person, or several, separated by commas; empty: found by its name
ANSWERS: str = ""  # meaning of your own answer words: "lots=5, meh=2, no idea=" (nothing after "=": no answer)
SHEET: str = ""  # sheet of a workbook; empty: the one that has genres
SYNTHETIC_USERS: Annotated[int, Range(0, 10_000_000)] = 0  # number of random users to write; 0: none
SEED: Annotated[int, Range(0, 2**32 - 1)] = 0  # seed of the random users
OUTPUT: Path = OUTPUTS / "pet/data.png"  # overview of the accessories


def main() -> Report:
    """Check the accessories; look at a survey, write synthetic users where asked."""
    table = OUTPUT.with_name("synthetic_users.csv")
    inputs = [ACCESSORIES, *([SURVEY] if SURVEY else [])]
    check_output(OUTPUT, (".png",), inputs)
    check_output(table, (".csv",), inputs)
    page = OUTPUT.with_name("survey.png")
    check_output(page, (".png",), inputs)
    wardrobe = check_dataset(ACCESSORIES)
    everything = [accessory for slot in SLOTS for accessory in wardrobe.slots[slot]]
    print(f"{shown(ACCESSORIES)}: {len(everything)} accessories, every picture in order")
    if SURVEY is not None:
        survey = open_survey(
            SURVEY, columns=COLUMNS, scale=SCALE, missing=MISSING, name_column=NAME_COLUMN, answers=ANSWERS, sheet=SHEET
        )
        tastes = OUTPUT.with_name("tastes.parquet")
        check_output(tastes, (".parquet",), inputs)
        with atomic_path(tastes) as part:
            write_tastes(survey, part)
        print(survey_text(survey))
        write_png(page, survey_page(survey))
        write_text(page.with_suffix(".txt"), survey_text(survey))
        print(f"written: {shown(page)}, {shown(tastes)}")
    if SYNTHETIC_USERS:
        with atomic_path(table) as part:
            get_some_data(SYNTHETIC_USERS, seed=SEED).to_csv(part, index=False)
        print(f"written: {shown(table)}")
    write_png(OUTPUT, accessory_sheet(everything))
    print(f"written: {shown(OUTPUT)}")
    return Report(OUTPUT, inputs, {"accessories": len(everything)})


if __name__ == "__main__":
    run(main)
