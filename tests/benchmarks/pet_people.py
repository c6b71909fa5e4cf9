"""1,210 real people of two surveys, with the surveys' own columns and scales: mapped, matched, 60 of them drawn.

    python -m tests.benchmarks.pet_people        needs real data: pet/

Writes outputs/benchmarks/pet_people.png
"""

from pathlib import Path

import numpy as np

from common.genres import GENRES, genres_of
from common.grids import picture_grid
from common.images import write_png
from common.paths import OUTPUTS, shown
from common.surveys.survey import open_survey
from pet.choosing.matching import best_sets
from pet.choosing.neighbours import choose_among_nearest
from pet.choosing.wardrobe import SLOTS, load_bodies, load_wardrobe
from pet.data import data_transform
from pet.drawing.compositing import Dresser, body_for
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.needs import real_files

SURVEYS = ("young_people_survey_music.csv", "mxmh_genre_frequency.csv")
DRAWN = 30  # of each survey, evenly spread


def main() -> None:
    print(describe_machine())
    wardrobe, bodies, dresser = load_wardrobe(), load_bodies(), Dresser(256)
    slots = [wardrobe.vectors(slot) for slot in SLOTS]
    pets, labels = [], []
    for name in SURVEYS:
        (path,) = real_files(f"pet/{name}")
        people = data_transform(path)
        print(f"\n{open_survey(path).describe()}")
        exact = best_sets(people.vectors, slots, None)
        for way, sets in {
            "random KNN, 3 nearest": choose_among_nearest(people.vectors, slots, 3, seed=0),
            "best of each slot": best_sets(people.vectors, slots, 1),
            "best set of top 3": best_sets(people.vectors, slots, 3),
            "best of all sets": exact,
        }.items():
            used = sum(len(np.unique(sets.indices[:, slot])) for slot in range(3))
            print(
                f"  {way:<24} mean cosine {sets.scores.mean():.4f}, accessories used {used} of {sum(map(len, slots))}"
            )
        if "mxmh" in name:
            report_favourites(path, people.vectors, exact.indices, slots)
        for person in np.linspace(0, len(people.users) - 1, DRAWN).astype(int):
            chosen = zip(SLOTS, exact.indices[person], strict=True)
            worn = {slot: wardrobe.slots[slot][index].file for slot, index in chosen}
            pets.append(dresser.dress(body_for(people.users[person], bodies), worn))
            top = [list(GENRES)[genre] for genre in np.argsort(-people.vectors[person], kind="stable")[:2]]
            liked = ", ".join(top) if people.vectors[person].any() else "nothing scored"
            labels.append(f"{people.users[person]} · {exact.scores[person]:.2f}\n{liked}")
    output = OUTPUTS / "benchmarks/pet_people.png"
    write_png(output, picture_grid(pets, labels, 10, 256, "60 of 1,210 real people: two strongest genres, and the pet"))
    print(f"\nwritten: {shown(output)}")


def mean_of_columns(path: Path) -> np.ndarray:
    """The vectors as they would be if several columns of one genre were averaged, in the survey's own scores."""
    import pandas as pd

    table, sources = pd.read_csv(path), open_survey(path).alignment.sources
    columns = [table[list(sources[g])].mean(axis=1) if g in sources else pd.Series(0.0, table.index) for g in GENRES]
    return np.stack(columns, axis=1)


def report_favourites(path: Path, vectors: np.ndarray, indices: np.ndarray, slots: list[np.ndarray]) -> None:
    """The survey also asks for the one favourite genre, which nothing here uses: does it come out?"""
    import pandas as pd

    words = pd.read_csv(path)["Fav genre"]
    known = [row for row, word in enumerate(words) if len(genres_of(word)) == 1]
    favourite = np.array([list(GENRES).index(genres_of(words[row])[0]) for row in known])
    tastes = vectors[known]
    highest = tastes[np.arange(len(known)), favourite] >= tastes.max(axis=1) - 1e-6
    means = mean_of_columns(path)[known]
    by_mean = means[np.arange(len(known)), favourite] >= means.max(axis=1) - 1e-6
    sums = np.sum([slot[indices[known, i]] for i, slot in enumerate(slots)], axis=0)
    place = (sums > sums[np.arange(len(known)), favourite][:, None]).sum(axis=1)
    print(
        f"  favourite genre, named apart by {len(known)} people: among the highest scores of {highest.mean():.1%} "
        f"({by_mean.mean():.1%} by means), ",
        end="",
    )
    print(f"first genre of the pet for {(place == 0).mean():.1%}, among its first three for {(place < 3).mean():.1%}")


if __name__ == "__main__":
    main()
