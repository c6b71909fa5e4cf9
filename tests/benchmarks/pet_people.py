"""1,210 real people of two surveys, with the surveys' own columns and scales: mapped, matched, 60 of them drawn.

    python -m tests.benchmarks.pet_people        needs real data: pet/

Every second row, from the first, was used for choosing the rule; the others were held out. A clear favourite is a genre
with a higher answer than all others; it is reached where the pet has strictly more of it than of every other genre.
Writes outputs/benchmarks/pet_people.png
"""

import random
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from common.genres import GENRES, genres_of
from common.grids import picture_grid
from common.images import write_png
from common.paths import OUTPUTS, shown
from common.surveys.survey import open_survey
from pet.choosing.knn import choose_among_nearest
from pet.choosing.matching import BestSets, best_sets
from pet.choosing.recommender import Recommender, Rule
from pet.choosing.wardrobe import SLOTS, body_for, load_bodies, load_wardrobe
from pet.data import data_transform
from pet.drawing.coats import coat_for
from pet.drawing.compositing import Dresser
from tests.benchmarks.hardware import describe_machine
from tests.benchmarks.needs import real_files

SURVEYS = ("young_people_survey_music.csv", "mxmh_genre_frequency.csv")
FIRST_NAMES = (
    "Anna Marc Júlia Pau Laia Biel Núria Oriol Marta Jan Ada Pol Ona Èlia Hugo Zoe Iker Sofia Noor Leo".split()
)
DRAWN = 30  # of each survey, evenly spread
WARDROBE = load_wardrobe()
VECTORS = [WARDROBE.vectors(slot) for slot in SLOTS]
BODIES = load_bodies()


def main() -> None:
    print(describe_machine())
    pets, labels, tastes = [], [], []
    dresser = Dresser(256)
    for file in SURVEYS:
        (path,) = real_files(f"pet/{file}")
        people = data_transform(path)
        tastes.append(people.vectors)
        print(f"\n{open_survey(path).describe()}")
        names = [f"{file} {user}" for user in people.users]
        chosen = Recommender(WARDROBE).choose(names, people.vectors)
        for way, sets in {
            "the default": chosen,
            "--identical": Recommender(WARDROBE, Rule(identical=True)).choose((), people.vectors),
            "best cosine of top 3": best_sets(people.vectors, VECTORS, 3),
            "best cosine of all": best_sets(people.vectors, VECTORS, None),
            "best of each slot": best_sets(people.vectors, VECTORS, 1),
            "random KNN, 3 nearest": choose_among_nearest(people.vectors, VECTORS, 3, seed=0),
        }.items():
            report(path, way, people.vectors, sets)
        for person in np.linspace(0, len(people.users) - 1, DRAWN).astype(int):
            worn = {s: WARDROBE.slots[s][i].file for s, i in zip(SLOTS, chosen.indices[person], strict=True)}
            name = names[person]
            pets.append(dresser.dress(body_for(name, BODIES), worn, coat_for(name)))
            top = [list(GENRES)[genre] for genre in np.argsort(-people.vectors[person], kind="stable")[:2]]
            liked = ", ".join(top) if people.vectors[person].any() else "likes nothing"
            labels.append(f"{people.users[person]} · {chosen.scores[person]:.2f}\n{liked}")
    report_distinct(np.concatenate(tastes))
    output = OUTPUTS / "benchmarks/pet_people.png"
    write_png(output, picture_grid(pets, labels, 10, 256, "60 of 1,210 real people: two strongest genres, and the pet"))
    print(f"\nwritten: {shown(output)}")


def report(path: Path, way: str, tastes: NDArray[np.float32], sets: BestSets) -> None:
    """Mean cosine of those who like something, and how many favourites are reached, in each half of the rows."""
    rows_of = [v[np.minimum(sets.indices[:, i], len(v) - 1)] for i, v in enumerate(VECTORS)]
    total = np.sum(rows_of, axis=0)
    first = np.where((total == total.max(axis=1, keepdims=True)).sum(axis=1) == 1, total.argmax(axis=1), -1)
    clear = (tastes == tastes.max(axis=1, keepdims=True)).sum(axis=1) == 1
    words = pd.read_csv(path).get("Fav genre", pd.Series([""] * len(tastes)))
    known = [genres_of(word) if word else () for word in words]
    named = np.array([list(GENRES).index(genres[0]) if len(genres) == 1 else -2 for genres in known])
    for half, rows in (("used", slice(0, None, 2)), ("held out", slice(1, None, 2))):
        liking = tastes[rows].any(axis=1)
        reached = (first == tastes.argmax(axis=1))[rows][clear[rows]]
        line = f"  {way:<22} {half:<9} cosine {sets.scores[rows][liking].mean():.3f} of {liking.sum()}, "
        line += f"clear favourite reached {reached.mean():.1%} of {len(reached)}"
        if (named >= 0).any():
            told = named[rows] >= 0
            line += f", genre named apart {(first[rows] == named[rows])[told].mean():.1%} of {told.sum()}"
        print(line)


def report_distinct(tastes: NDArray[np.float32]) -> None:
    """How many pets (body, coat and set) 1,000 people have."""
    names = [f"{random.Random(number).choice(FIRST_NAMES)} {number}" for number in range(1000)]
    looks = [(body_for(name, BODIES), coat_for(name)) for name in names]
    crowds: list[tuple[str, NDArray[np.floating]]] = [("real tastes", tastes[:1000])]
    crowds += [(f"{genre} alone", np.tile(np.eye(len(GENRES))[i], (1000, 1))) for i, genre in enumerate(GENRES)]
    for what, vectors in crowds:
        sets = Recommender(WARDROBE).choose(names, vectors).indices.tolist()
        pets = {(*look, *indices) for look, indices in zip(looks, sets, strict=True)}
        print(f"  1,000 people, {what:<18} {len(pets)} distinct pets, {len(set(map(tuple, sets)))} distinct sets")


if __name__ == "__main__":
    main()
