"""Look at the data: check the accessories, make synthetic users, align a survey of your own.

    python pet/data.py                              check AccessoryDataset.csv and every picture
    python pet/data.py --survey answers.csv         also say how the survey's columns are understood
    python pet/data.py --synthetic-users 1000       also write a table of random users

Reads   data/pet/AccessoryDataset.csv and the pictures that it names; the survey, if one is given
Writes  outputs/pet/data.png (every accessory with its main genres); outputs/pet/synthetic_users.csv if asked for
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from common.errors import raise_faults
from common.files import atomic_path, check_output
from common.genres import GENRES
from common.grids import picture_grid
from common.images import read_image, write_png
from common.paths import DATA, OUTPUTS, shown
from common.runner import Range, Report, run
from common.surveys.alignment import Alignment, Scale, align_columns, to_vectors
from common.surveys.readers import Answers
from common.surveys.survey import open_survey
from pet.choosing.wardrobe import (
    ACCESSORIES_CSV,
    SLOTS,
    Wardrobe,
    load_bodies,
    load_wardrobe,
    picture_faults,
    read_accessories,
)

if TYPE_CHECKING:
    import pandas as pd

# ---- settings: edit here, or override once on the command line (--survey answers.csv) ----
ACCESSORIES: Path = DATA / "pet/AccessoryDataset.csv"  # table to check
SURVEY: Path | None = None  # a table of tastes to align with the genres, .csv or .parquet
COLUMNS: str = ""  # meaning of your own columns: "Polka=folk, Country=" (nothing after "=": leave it out)
SCALE: str = "auto"  # scale of the answers, such as 1-5; auto: found from the lowest and highest answer
SYNTHETIC_USERS: Annotated[int, Range(0, 10_000_000)] = 0  # number of random users to write; 0: none
SEED: Annotated[int, Range(0, 2**32 - 1)] = 0  # seed of the random users
OUTPUT: Path = OUTPUTS / "pet/data.png"  # overview of the accessories


@dataclass(frozen=True)
class Aligned:
    """A table of tastes in the internal form.

    Attributes:
        users: who, one a row: the id column as text, or row numbers from 1.
        vectors: (rows, genres) float32 in [0, 1], in the order of `common.genres.GENRES`.
        alignment: which columns were used for which genre, and which not.
        scale: the scale that the answers were read on.
    """

    users: list[str]
    vectors: NDArray[np.float32]
    alignment: Alignment
    scale: Scale

    def to_frame(self) -> "pd.DataFrame":
        """As a table: `user` and one column a genre."""
        import pandas as pd

        return pd.DataFrame(self.vectors, columns=list(GENRES)).assign(user=self.users)[["user", *GENRES]]


def get_specific_file(name: str, accessories: Path = ACCESSORIES_CSV) -> tuple[Image.Image, NDArray[np.float64]]:
    """Picture (RGBA) and vector (genres,) of an accessory, by its name.

    Raises:
        UserError: no accessory of that name, or its picture cannot be read.
    """
    accessory = load_wardrobe(accessories).find(name)
    return read_image(accessory.file, "RGBA"), accessory.vector


def get_some_data(count: int = 100, seed: int = 0) -> "pd.DataFrame":
    """Synthetic users: `user` and a random score from 0 to 1, in steps of 0.001, for every genre."""
    import pandas as pd

    scores = np.random.default_rng(seed).integers(0, 1001, (count, len(GENRES))) / 1000
    frame = pd.DataFrame(scores, columns=list(GENRES))
    frame.insert(0, "user", [f"user {number}" for number in range(1, count + 1)])
    return frame


def data_transform(table: "pd.DataFrame | Path | str", columns: str = "", scale: str = "auto") -> Aligned:
    """Align any table of genre scores to the internal order of genres.

    Column names are matched whatever their case, accents and punctuation, by synonyms in English, Spanish and
    Catalan; of several columns of one genre the highest answer counts; a missing answer, and a genre that was not
    asked, is 0. Columns that are not understood are listed in the result's `alignment.unused`, never guessed.

    Args:
        table: a DataFrame, or a .csv or .parquet file. A whole file is read into memory here; `1_TopN.py` does not.
        columns: what the caller says of columns, "Polka=folk, Country=".
        scale: "auto" (0-1, 0-3, 0-5, 1-5, 1-7, 0-10 or 0-100) or "LOW-HIGH".

    Raises:
        UserError: no genre column, no rows, or answers that are text, negative, infinite or outside the scale.
    """
    if isinstance(table, str | Path):
        survey = open_survey(Path(table), columns, scale)
        ids, blocks = zip(*survey.batches(), strict=True)
        texts = [user for batch in ids for user in batch.to_pylist()]
        return Aligned(texts, np.concatenate(blocks), survey.alignment, survey.scale)
    names = [str(name) for name in table.columns]
    frame = table.set_axis(names, axis=1)
    alignment = align_columns(names, columns)
    users, faults = _names_of(frame, alignment.id_column)
    scores = {}
    for name in alignment.columns:
        scores[name], more = _scores_of(frame, name)
        faults += more
    raise_faults("table", faults)
    answers = Answers(rows=len(frame))
    for values in scores.values():
        answers.include(values[~np.isnan(values)])
    found = answers.scale(scale)
    return Aligned(users, to_vectors(scores, alignment, found), alignment, found)


def check_dataset(accessories: Path = ACCESSORIES_CSV) -> Wardrobe:
    """Validate AccessoryDataset.csv, and open every picture that it names and every base body beside it.

    Raises:
        UserError: all faults at once, with line numbers.
    """
    rows, faults = read_accessories(accessories)
    bodies = load_bodies(accessories.parent / "Body")
    raise_faults(
        str(accessories), faults + picture_faults(list(bodies.values()), [row for row in rows if row.file.suffix])
    )
    return load_wardrobe(accessories)


def _names_of(frame: "pd.DataFrame", column: str | None) -> tuple[list[str], list[str]]:
    """The id column as text, or row numbers; and what is wrong with it."""
    if column is None:
        return [str(number) for number in range(1, len(frame) + 1)], []
    names = ["" if missing else str(name) for name, missing in zip(frame[column], frame[column].isna(), strict=True)]
    faults = [f"row {row}, column {column!r}: no name or id" for row, name in enumerate(names, 1) if not name.strip()]
    first: dict[str, int] = {}
    for row, name in enumerate(names, 1):
        if first.setdefault(name, row) != row and name.strip():
            faults.append(f"row {row}: user {name!r} is already in row {first[name]}")
    return names, faults


def _scores_of(frame: "pd.DataFrame", column: str) -> tuple[NDArray[np.float64], list[str]]:
    """A column as numbers, NaN for no answer; and what is wrong with it."""
    import pandas as pd

    numbers = pd.to_numeric(frame[column], errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero((np.isnan(numbers) & frame[column].notna().to_numpy()) | (numbers < 0) | np.isinf(numbers))
    cells = frame[column]
    return numbers, [f"row {n + 1}, column {column!r}: {cells.iloc[n]!r} is not a number from 0 up" for n in bad]


def main() -> Report:
    """Check the accessories; look at a survey, write synthetic users where asked."""
    table = OUTPUT.with_name("synthetic_users.csv")
    inputs = [ACCESSORIES, *([SURVEY] if SURVEY else [])]
    check_output(OUTPUT, (".png",), inputs)
    check_output(table, (".csv",), inputs)
    wardrobe = check_dataset(ACCESSORIES)
    everything = [accessory for slot in SLOTS for accessory in wardrobe.slots[slot]]
    print(f"{shown(ACCESSORIES)}: {len(everything)} accessories, every picture in order")
    if SURVEY is not None:
        print(open_survey(SURVEY, columns=COLUMNS, scale=SCALE).describe())
    if SYNTHETIC_USERS:
        with atomic_path(table) as part:
            get_some_data(SYNTHETIC_USERS, seed=SEED).to_csv(part, index=False)
        print(f"written: {shown(table)}")
    labels = []
    for accessory in everything:
        main_genres = [list(GENRES)[index] for index in np.argsort(-accessory.vector)[:2] if accessory.vector[index]]
        labels.append(f"{accessory.name}\n{', '.join(main_genres)}")
    sheet = picture_grid(
        [_cut_out(read_image(accessory.file)) for accessory in everything],
        labels,
        8,
        224,
        "Accessories and their genres",
    )
    write_png(OUTPUT, sheet)
    print(f"written: {shown(OUTPUT)}")
    return Report(OUTPUT, inputs, {"accessories": len(everything)})


def _cut_out(picture: Image.Image) -> Image.Image:
    """The visible part, with a margin, on a transparent square."""
    part = picture.crop(picture.getbbox())
    side = round(1.15 * max(part.size))
    square = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    square.paste(part, ((side - part.width) // 2, (side - part.height) // 2))
    return square


if __name__ == "__main__":
    run(main)
