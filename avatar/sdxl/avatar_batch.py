"""Avatars of one person or many: models loaded once, each picture with its making, resumable, repeatable.

An avatar's PNG holds a hash of all that it was made from: features, photo, settings, models. It is written last, so
one with the right hash is whole and up to date. Pictures of people without such a hash were made by somebody
else, and are never replaced.
"""

import functools
import itertools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from avatar.cutout.background_removal import load_remover, remove_background
from avatar.person.subjects import Person, find_people
from avatar.prompt.weighting import count_tokens, fit_tokens, tokenizers_of
from avatar.sdxl.generation import REMEDY, Drawing, Plan, draw, peak_memory_gb, plan_steps
from avatar.sdxl.loading import compile_networks, load_pipelines
from avatar.sdxl.lora_files import load_lora, set_lora_scale
from avatar.sdxl.picture_metadata import SENTENCE, read_making, write_marked_png
from avatar.sdxl.pipelines import Loading, Pipelines
from avatar.sdxl.run_settings import (
    AVATARS,
    DRAWN,
    PAIRS,
    STARTS,
    STYLE,
    Files,
    Job,
    ModelFiles,
    Settings,
    find_same,
    lora_facts,
    lora_scale_of,
    settings_of,
)
from avatar.sdxl.sources import Choice, choose_model
from avatar.sdxl.upscaling import enlarge
from common.devices import describe_device
from common.errors import UserError, check_range, enough_memory, raise_faults
from common.files import print_faults, write_faults, write_text
from common.grids import evenly, picture_grid
from common.images import write_png
from common.paths import shown
from common.runner import Report

CONTACT_SHEET = "contact_sheet.png"
REPEATED = "repeated"
TILE_PX = 320
CHUNK = 75  # tokens that a text encoder takes at once
FEW = 6  # people of whom the contact sheet shows every step
LABELS = {STARTS: "the photo's part", DRAWN: "drawn", AVATARS: "avatar"}


@dataclass(frozen=True)
class Words:
    """A prompt as the networks get it.

    Attributes:
        text: with weights.
        negative: what the picture shall not show.
        tokens: of the text.
        left_out: the words that MAX_TOKENS cost.
    """

    text: str
    negative: str
    tokens: int
    left_out: list[str]


@dataclass
class Tally:
    """What a run comes to.

    Attributes:
        faults: what is wrong with people who were skipped, by file name.
        pictures: drawn now.
        steps: of these.
        seconds: for these.
        step_seconds: in their steps.
        retried: that only full precision could draw.
        small: photos with less than the model's own size.
    """

    faults: dict[str, str]
    pictures: int = 0
    steps: int = 0
    seconds: float = 0.0
    step_seconds: float = 0.0
    retried: int = 0
    small: int = 0

    def add(self, drawing: Drawing) -> None:
        """Count a picture."""
        self.pictures += 1
        self.steps += drawing.plan.total
        self.seconds += drawing.seconds
        self.step_seconds += drawing.step_seconds * drawing.plan.total
        self.retried += drawing.retried

    def figures(self, peak_gb: float) -> dict[str, float | int]:
        """For the record of the run."""
        return {
            "seconds a picture": round(self.seconds / self.pictures, 3),
            "seconds a step": round(self.step_seconds / max(1, self.steps), 4),
            "steps": self.steps,
            "drawn again in full precision": self.retried,
            "peak memory in GB": round(peak_gb, 2),
        }


def make_avatars(script: str, files: Files, models: ModelFiles, settings: Settings, tiles: int) -> Report:
    """Draw everybody who has no up-to-date avatar, then the contact sheet.

    Args:
        script: its name, for the pictures' text.
        files: what is read and written.
        models: what draws.
        settings: how; where `files.from_picture` is given, those of that picture are taken instead.
        tiles: avatars on the contact sheet at most.

    Raises:
        UserError: faulty or contradictory settings; no model; nobody who can be drawn; a folder that cannot be
            written or holds files of others; memory or disk are full.
    """
    check_range("TILES", tiles, 1, 400)
    earlier = read_making(files.from_picture) if files.from_picture else None
    output = files.output
    if files.from_picture and earlier is not None:
        settings, output = settings_of(earlier, files.from_picture), output / REPEATED
        models = replace(models, lora_scale=lora_scale_of(earlier, models.lora_scale))
    settings.check()
    models.check(settings.recipe.scheduler)
    people, faults = find_people(files.features, files.photo, settings.start == "photo")
    choice = choose_model(models.model, models.refiner, settings.recipe.mode != "base", models.allow_pickle)
    job = Job(files, settings, choice.hashes, lora_facts(models), output)
    if files.from_picture and earlier is not None:
        people, faults = [find_same(people, job, earlier, files.from_picture)], {}
    job.check_output(people)
    print(f"model: {', '.join(choice.hashes)} ({choice.why})")
    kinds = [AVATARS, PAIRS] if models.compare else [AVATARS]
    missing = people if earlier is not None else [person for person in people if not job.is_done(person, kinds)]
    tally, figures = Tally(faults), {}
    if missing:
        pipelines = load_all(choice, models, settings)
        draw_all(pipelines, missing, job, models, script, tally)
        figures = tally.figures(peak_memory_gb(pipelines.device)) if tally.pictures else {}
    return _finish(people, missing, job, models, tally, figures, tiles)


def load_all(choice: Choice, models: ModelFiles, settings: Settings) -> Pipelines:
    """Load the pipelines, then the LoRAs into them, then compile where that is asked for."""
    loading = Loading(
        settings.precision, settings.vram_gb, settings.recipe.scheduler, models.config, models.allow_pickle
    )
    if settings.cut_out:
        load_remover(settings.cutout_model)  # before the long work, as its weights may be missing
    pipelines = load_pipelines(choice, loading)
    for role, (path, scale) in models.loras().items():
        print(load_lora(pipelines, path, scale, adapter=role, allow_pickle=models.allow_pickle).in_words())
    if settings.compiled:
        compile_networks(pipelines)
    return pipelines


# ---- drawing ----


def draw_all(
    pipelines: Pipelines, people: Sequence[Person], job: Job, models: ModelFiles, script: str, tally: Tally
) -> None:
    """Draw these people and write their files; memory does not grow with their number.

    Raises:
        UserError: settings that leave a pass without steps, a folder that cannot be written, memory or disk are full.
    """
    recipe, rounds = job.settings.recipe, 2 if models.compare else 1
    plans = {start: plan_steps(pipelines, recipe, start) for start in {person.photo is not None for person in people}}
    prompts = [words_for(pipelines, person, job) for person in people]
    _print_plan(pipelines, people, job, plans, prompts)
    steps = [rounds * plans[person.photo is not None].total for person in people]
    with enough_memory(REMEDY), tqdm(total=sum(steps), desc="drawing", unit="step") as bar:
        for person, words, end in zip(people, prompts, itertools.accumulate(steps), strict=True):
            try:
                start, drawings = _draw_person(pipelines, person, job, words, models, bar.update)
            except UserError as error:
                tally.faults[_label(person)] = str(error)
                continue
            finally:
                bar.update(end - bar.n)  # a fault leaves steps out, a picture drawn twice has more
            for drawing in drawings:
                tally.add(drawing)
            tally.small += start is not None and start.width < pipelines.native_px
            write_person(person, job, words, start, drawings, script, tally)


def _label(person: Person) -> str:
    return person.file.name if person.file.suffix == ".json" else person.name


def _print_plan(
    pipelines: Pipelines,
    people: Sequence[Person],
    job: Job,
    plans: Mapping[bool, Plan],
    prompts: Sequence[Words],
) -> None:
    """Say what is going to happen: where pictures start, how many steps, how long the prompts are."""
    size, native = job.settings.size_px, pipelines.native_px
    for start, plan in plans.items():
        count = sum((person.photo is not None) == start for person in people)
        print(f"{count} from {'a photo' if start else 'text alone'}: {plan} at {native} px")
    if size != native:
        change = "enlarged" if size > native else "reduced"
        print(f"drawn at {native} px, the model's own size, then {change} to {size} px")
    print(f"prompt of {people[0].name}: {prompts[0].text}")
    tokens = sorted({words.tokens for words in prompts})
    between = f"{tokens[0]} to {tokens[-1]}" if len(tokens) > 1 else f"{tokens[0]}"
    chunks = math.ceil(tokens[-1] / CHUNK)
    print(f"prompts: {between} tokens" + (f", in up to {chunks} chunks of {CHUNK}" if chunks > 1 else ""))
    if prompts[0].left_out:
        print(f"left out of the first by MAX_TOKENS: {', '.join(prompts[0].left_out)}")


def words_for(pipelines: Pipelines, person: Person, job: Job) -> Words:
    """The person's prompt, counted, and cut where MAX_TOKENS says so; no network runs."""
    tokenizers = tokenizers_of(pipelines.base)
    text, negative = job.texts(person)
    left_out: list[str] = []
    if job.settings.max_tokens is not None:
        text, left_out = fit_tokens(tokenizers, text, job.settings.max_tokens)
    return Words(text, negative, count_tokens(tokenizers, text), left_out)


def _draw_person(
    pipelines: Pipelines,
    person: Person,
    job: Job,
    words: Words,
    models: ModelFiles,
    on_step: Callable[[], Any],
) -> tuple[Image.Image | None, list[Drawing]]:
    """The square of the photo, and the picture; with `compare` the one without the LoRA as well, of the same seed."""
    start = person.read_photo()
    once = functools.partial(
        draw, pipelines, words.text, words.negative, start, job.seed(person), job.settings.recipe, on_step
    )
    drawings = [once()]
    if models.compare:
        set_lora_scale(pipelines, 0, STYLE)
        try:
            drawings.append(once())
        finally:
            set_lora_scale(pipelines, models.lora_scale, STYLE)
    return start, drawings


# ---- writing ----


def write_person(
    person: Person,
    job: Job,
    words: Words,
    start: Image.Image | None,
    drawings: Sequence[Drawing],
    script: str,
    tally: Tally,
) -> None:
    """Cut the avatar out and write all of a person's files, the avatar last."""
    side = job.settings.size_px
    pictures = [enlarge(drawing.image, side) for drawing in drawings]
    text = _picture_text(person, job, words, script)
    write_marked_png(job.path(DRAWN, person), pictures[0], text)
    if start is not None:
        write_png(job.path(STARTS, person), start)
    if len(pictures) > 1:
        pair = picture_grid(pictures, ["with the LoRA", "without it"], columns=2, tile_px=min(side, 768))
        write_marked_png(job.path(PAIRS, person), pair, text)
    try:
        avatar = pictures[0].convert("RGBA")
        if job.settings.cut_out:
            avatar = remove_background(pictures[0], job.settings.cutout_model, only_largest=True, fill_holes=True)
    except UserError as error:
        tally.faults[_label(person)] = f"{error}; the picture itself is {shown(job.path(DRAWN, person))}"
        return
    drawing = drawings[0]
    record = text | {
        "name": person.features.name,
        "features": str(person.file),
        "photo": str(person.photo or ""),
        "prompt": words.text,
        "negative_prompt": words.negative,
        "phrases": [[str(phrase), phrase.personal] for phrase in job.prompt(person).phrases],
        "left_out": words.left_out,
        "tokens": words.tokens,
        "steps": str(drawing.plan),
        "drawn_px": drawing.image.width,
        "seconds": round(drawing.seconds, 3),
        "drawn_again_in_full_precision": drawing.retried,
    }
    write_text(job.path(AVATARS, person, ".json"), json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    write_marked_png(job.path(AVATARS, person), avatar, text)


def _picture_text(person: Person, job: Job, words: Words, script: str) -> dict[str, Any]:
    """What the PNG tells: with consent all words of the prompt, else those about clothes and style alone."""
    consent = job.settings.consent
    prompt, negative = (words.text, words.negative) if consent else job.public_texts(person)
    return job.facts(person) | {
        "made_from": job.mark(person),
        "made_by": f"Re:Live {script}",
        "synthetic": SENTENCE,
        "prompt": prompt,
        "negative_prompt": negative,
        "words_about_the_person": "in the prompt" if consent else "left out",
        "device": describe_device(),
        "versions": {name: metadata.version(name) for name in ("torch", "diffusers", "transformers")},
    }


# ---- the end ----


def _finish(
    people: Sequence[Person],
    missing: Sequence[Person],
    job: Job,
    models: ModelFiles,
    tally: Tally,
    figures: dict[str, float | int],
    tiles: int,
) -> Report:
    """Write the overviews, say what came out, and hand back the report."""
    write_faults(job.output, tally.faults)
    there = [person for person in people if _label(person) not in tally.faults]
    if not there:
        raise_faults("", [f"{name}: {fault}" for name, fault in tally.faults.items()])
    sheet = job.output / CONTACT_SHEET
    write_marked_png(sheet, contact_sheet(there, job, tiles))
    new = len(missing) - sum(_label(person) in tally.faults for person in missing)
    print(f"avatars in {shown(job.output / AVATARS)}: {new} drawn now, {len(there) - new} were there")
    for name, value in figures.items():
        print(f"{name}: {value}")
    if tally.small:
        print(f"{tally.small} photos are smaller than the model's own size, and were enlarged for it")
    if job.files.from_picture is not None:
        print(compare_pictures(job.files.from_picture, job.path(AVATARS, there[0])))
    for path in [job.path(AVATARS, there[0])] * (len(there) == 1) + [sheet]:
        print(f"written: {shown(path)}")
    print_faults(job.output, tally.faults)
    inputs = [path for person in there for path in (person.file, person.photo) if path is not None]
    cutter = load_remover(job.settings.cutout_model).weights if job.settings.cut_out and new else []
    return Report(
        job.output,
        [*dict.fromkeys(inputs), *(path for path, _ in models.loras().values())],
        {"avatars": len(there), "drawn now": new, **figures},
        len(tally.faults),
        describe_device(),
        [*job.models, *(str(facts["file"]) for facts in job.loras.values()), *cutter],
    )


def contact_sheet(people: Sequence[Person], job: Job, tiles: int) -> Image.Image:
    """Every step of a few people, or the avatars of many."""
    kinds = [AVATARS]
    chosen = evenly(people, tiles)
    if len(chosen) <= FEW:
        started = all(person.photo is not None for person in chosen)
        steps = [STARTS] * started + [DRAWN] + [AVATARS] * job.settings.cut_out
        there = [kind for kind in steps if all(job.path(kind, person).is_file() for person in chosen)]
        kinds = there or kinds
    columns = len(kinds) if len(kinds) > 1 else math.ceil(math.sqrt(1.4 * len(chosen)))
    names = [person.features.name or person.name for person in chosen]
    pictures = [functools.partial(_opened, job.path(kind, person)) for person in chosen for kind in kinds]
    labels = [f"{name}\n{LABELS[kind]}" if len(kinds) > 1 else name for name in names for kind in kinds]
    footer = "synthetic pictures" + (f", {len(chosen)} of {len(people)}" if len(chosen) < len(people) else "")
    return picture_grid(pictures, labels, columns, TILE_PX, "Avatars", footer=footer)


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.resize((2 * TILE_PX, 2 * TILE_PX), Image.Resampling.LANCZOS, reducing_gap=3)


def compare_pictures(first: Path, second: Path) -> str:
    """One line that says whether two pictures are the same."""
    with Image.open(first) as a, Image.open(second) as b:
        if a.size == b.size and a.mode == b.mode:
            apart = np.abs(np.asarray(a, np.int16) - np.asarray(b, np.int16))
            if not apart.any():
                return f"{first.name} is repeated exactly, every pixel"
            share = 100 * (apart.max(axis=-1) > 0).mean()
            return (
                f"repeated, but {share:.1f} % of the pixels differ, by {apart.max()} at most: another device or version"
            )
    return "repeated, but in another size or mode: the picture was changed since"
