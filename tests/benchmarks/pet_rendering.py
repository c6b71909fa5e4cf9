"""Speed of step 1.5: pets alone, and pets with the combined chart picture, beside a new matplotlib figure a user.

python -m tests.benchmarks.pet_rendering
"""

import dataclasses
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from common.genres import GENRES
from common.workers import default_workers
from pet.choosing.choice_table import Choice, open_choices, read_choices
from pet.choosing.matching import best_sets
from pet.choosing.wardrobe import LAYERS, SLOTS, Wardrobe, body_for, load_bodies, load_wardrobe
from pet.data import data_transform, get_some_data
from pet.drawing.picture_batch import RenderSettings, plan, render_all
from tests.benchmarks.hardware import describe_machine

PEOPLE = 1_000
NAIVE_PEOPLE = 20
SIZE_PX = 512


def write_choices(path: Path, wardrobe: Wardrobe) -> None:
    """Step 1 for random people."""
    import pyarrow as pa

    people = data_transform(get_some_data(PEOPLE))
    sets = best_sets(people.vectors, [wardrobe.vectors(slot) for slot in SLOTS], 3)
    with open_choices(path, wardrobe) as writer:
        writer.write(writer.encode(pa.array(people.users), people.vectors, sets))


def ours(choices: Path, job: RenderSettings) -> float:
    """Pictures per second, starting the processes included."""
    start = time.perf_counter()
    with render_all(choices, job, plan(choices, job), default_workers(), chunk=16) as outcome:
        return outcome.made / (time.perf_counter() - start)


def naive_picture(choice: Choice, job: RenderSettings, output: Path) -> None:
    """What a first script does: read the layers, paste, and make a figure, anew for every user."""
    from matplotlib import pyplot

    pet = Image.open(body_for(choice.user, job.bodies, job.body)).convert("RGBA")
    for slot in LAYERS:
        layer = Image.open(job.files[choice.worn[slot].name]).convert("RGBA")
        pet.paste(layer, (0, 0), layer)
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11.52, 5.12), dpi=100)
    left.imshow(pet.resize((SIZE_PX, SIZE_PX)))
    left.axis("off")
    rows = np.arange(len(GENRES))
    right.barh(rows - 0.2, choice.taste, 0.4, label="user")
    right.barh(rows + 0.2, np.mean([worn.vector for worn in choice.worn.values()], axis=0), 0.4, label="accessories")
    right.set_yticks(rows, list(GENRES.values()))
    right.legend()
    figure.savefig(output)
    pyplot.close(figure)


def main() -> None:
    import matplotlib

    matplotlib.use("Agg")
    print(describe_machine())
    print(f"{PEOPLE} people, {SIZE_PX} px")
    wardrobe = load_wardrobe()
    with tempfile.TemporaryDirectory() as name:
        choices = Path(name) / "choices.csv"
        write_choices(choices, wardrobe)
        job = RenderSettings(
            folder=Path(name) / "out",
            size_px=SIZE_PX,
            charts=False,
            combined=False,
            body="auto",
            bodies=load_bodies(),
            wardrobe=wardrobe,
        )
        print(f"ours, pets alone                {ours(choices, job):7.1f} a second   (target 200)")
        with_charts = dataclasses.replace(job, charts=True, combined=True)
        rate = ours(choices, with_charts) / 2  # a pet and a chart each
        print(f"ours, pets + combined charts    {rate:7.1f} a second   (target 12)")
        some = [choice for _, (_, choice) in zip(range(NAIVE_PEOPLE), read_choices(choices), strict=False)]
        start = time.perf_counter()
        for choice in some:
            naive_picture(choice, job, Path(name) / "naive.png")
        print(f"a new matplotlib figure a user  {len(some) / (time.perf_counter() - start):7.1f} a second, one process")


if __name__ == "__main__":
    main()
