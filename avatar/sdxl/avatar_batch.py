"""Generates the avatars of one person or many, in variants and styles; resumes, repeats pictures, draws sheets."""

import functools
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from avatar.cutout.foreground_models import load_foreground_model
from avatar.person.subjects import Subject, find_subjects
from avatar.prompt.known_words import VOCABULARY, known_words, unknown_words
from avatar.sdxl.avatar_maker import AVATARS, DRAWN, KINDS, STARTS, AvatarMaker
from avatar.sdxl.avatar_settings import InputSettings, ModelSettings, PictureSettings, group_settings
from avatar.sdxl.generation import REMEDY, count_steps, peak_memory_gb
from avatar.sdxl.ip_adapter import adapter_facts
from avatar.sdxl.picture_metadata import read_provenance, write_marked_png
from avatar.sdxl.provenance import (
    AvatarRun,
    fingerprint,
    likeness_from,
    lora_facts,
    lora_scale_from,
    settings_from,
    subject_of,
)
from avatar.sdxl.sources import choose_model
from avatar.sdxl.variants import VARIANTS, PickedVariant, variants_of
from common.batches import Batch, Item, Made, Outcome, run_batch
from common.devices import describe_device, pick_device
from common.errors import UserError, enough_memory, raise_faults
from common.files import print_faults, write_faults
from common.grids import evenly, picture_grid
from common.paths import shown
from common.ray_engine import RayCluster, ray_cluster
from common.runner import Report

CONTACT_SHEET, VARIANTS_SHEET, GALLERY = "contact_sheet.png", "variants.png", "gallery.png"
STYLES, BASE = "styles", "base"  # subfolder of the output for a gallery of LoRAs, and its folder without a LoRA
REPEATED = "repeated"  # subfolder of the output for --from-picture
TILE_PX = 320
SHEET_COLUMNS = 4  # of one person's variants
CHUNK = 75  # tokens that a text encoder takes at once
MOST_WORDS = 12  # unknown words named in the warning
FEW = 6  # largest number of people for which the contact sheet shows every step
STARTED = {"figure": "the person's drawn figure", "photo": "a photo", "text": "text alone"}
LABELS = {STARTS: "start", DRAWN: "drawn", AVATARS: "avatar"}


@dataclass
class Statistics:
    """Measurements of the avatars that were generated in this run.

    Attributes:
        totals: sums of what `AvatarMaker` measures.
        tokens: numbers of tokens of the prompts.
    """

    totals: Counter[str] = field(default_factory=Counter)
    tokens: set[int] = field(default_factory=set)

    def add(self, measured: Mapping[str, Any]) -> None:
        """Add the measurements of one avatar; there are none of a skipped one."""
        if measured:
            self.tokens.add(measured["tokens"])
            self.totals.update(measured)

    def figures(self) -> dict[str, float | int]:
        """Figures for the record of the run; empty if no picture was generated."""
        totals = self.totals
        if not totals["pictures"]:
            return {}
        return {
            "seconds a picture": round(totals["seconds"] / totals["pictures"], 3),
            "seconds a step": round(totals["step_seconds"] / max(1, totals["steps"]), 4),
            "steps": totals["steps"],
            "drawn again in full precision": totals["retried"],
            "peak memory in GB": round(peak_memory_gb(pick_device()), 2),
        }

    def print_all(self) -> None:
        """Print figures, lengths of prompts, and the number of small photos."""
        for name, value in self.figures().items():
            print(f"{name}: {value}")
        if self.tokens:
            shortest, longest = min(self.tokens), max(self.tokens)
            chunks = math.ceil(longest / CHUNK)
            lengths = f"{shortest} to {longest}" if longest > shortest else f"{longest}"
            print(f"prompts: {lengths} tokens" + (f", in up to {chunks} chunks of {CHUNK}" if chunks > 1 else ""))
        if self.totals["small"]:
            print(f"{self.totals['small']} photos are smaller than the model's native size, and were enlarged")


def generate_avatars(script: str, values: Mapping[str, Any]) -> Report:
    """Generate the avatars of everybody who has no up-to-date one, then the contact sheet.

    Args:
        script: name of the script, for the pictures' metadata.
        values: settings of the script, as `group_settings` reads them; those of FROM_PICTURE take precedence.

    Raises:
        UserError: settings are invalid or contradictory; a model is missing; no avatar could be made; the folder
            cannot be written or contains files of others; memory or disk are full.
    """
    inputs, settings, models = group_settings(values)
    if models.lora is not None and models.lora.is_dir():
        return _generate_gallery(script, inputs, settings, models)
    return _generate(script, inputs, settings, models)


def _generate(script: str, inputs: InputSettings, settings: PictureSettings, models: ModelSettings) -> Report:
    provenance = read_provenance(inputs.from_picture) if inputs.from_picture else None
    if inputs.from_picture and provenance is not None:
        settings = settings_from(provenance, inputs.from_picture)
        likeness = likeness_from(provenance, models.likeness)
        models = replace(models, lora_scale=lora_scale_from(provenance, models.lora_scale), likeness=likeness)
    inputs.check()
    settings.check()
    models.check(settings.recipe.scheduler)
    subjects, faults = find_subjects(
        inputs.features, photo=inputs.photo, with_photos=settings.start != "text", reference=inputs.reference
    )
    choice = choose_model(models.model, models.refiner, settings.recipe.mode != "base", models.allow_pickle)
    adapter = adapter_facts(models.ip_adapter, models.likeness) if models.ip_adapter is not None else {}
    run = AvatarRun(script, inputs, settings, models, choice, lora_facts(models), adapter)
    folder = inputs.output
    if inputs.from_picture and provenance is not None:
        subjects, faults = [subject_of(provenance, inputs.from_picture, subjects, run)], {}
        folder = folder / REPEATED
    _check_photos(subjects, folder)
    print(f"model: {', '.join(choice.hashes)} ({choice.why})")
    print_plan(subjects, run)
    statistics = Statistics()
    ray = ray_cluster(inputs.engine, inputs.ray_address, inputs.workers, worker_cpus=inputs.worker_cpus)
    maker: Callable[[], Callable[[Subject], Made]] = functools.partial(AvatarMaker, run)
    with enough_memory(REMEDY):
        if inputs.variants > 1 and provenance is None:
            variants = list(variants_of(subjects, inputs.variants))
            with run_batch(
                _batch(folder / VARIANTS, maker, statistics, ray), functools.partial(_items, variants, run)
            ) as outcome:
                faults |= outcome.faults
            maker, ray = functools.partial(PickedVariant, folder / VARIANTS), None
            subjects = [replace(subject, variant=inputs.pick) for subject in subjects]
        with run_batch(_batch(folder, maker, statistics, ray), functools.partial(_items, subjects, run)) as outcome:
            return _finish(run, subjects, faults | outcome.faults, outcome, statistics=statistics, folder=folder)


def _batch(
    folder: Path, maker: Callable[[], Callable[[Subject], Made]], statistics: Statistics, ray: RayCluster | None
) -> Batch[Subject, None]:
    """The batch of a folder of avatars."""
    return Batch(
        folder=folder,
        settings={},
        files=(rf"{AVATARS}/(.+)\.json", *(rf"{kind}/(.+)\.png" for kind in KINDS)),
        overviews=tuple(name.replace(".", r"\.") for name in (CONTACT_SHEET, VARIANTS_SHEET, GALLERY)),
        exclusive=False,
        set_up=maker,
        tables=lambda records: None,
        watch=statistics.add,
        what="avatars",
        unit="avatar",
        ray=ray,
        on_gpu=True,
    )


def _generate_gallery(script: str, inputs: InputSettings, settings: PictureSettings, models: ModelSettings) -> Report:
    """Generate everybody's avatar without a LoRA and with each one of a folder, then a sheet of all styles."""
    assert models.lora is not None
    if inputs.from_picture is not None:
        raise UserError(f"setting LORA is {models.lora}, a folder; to repeat a picture, set it to that picture's LoRA")
    loras = {path.stem: path for path in sorted(models.lora.glob("*.safetensors"))}
    if not loras:
        raise UserError(f"{models.lora}: no .safetensors in this folder; TrainLoRA.py makes LoRAs")
    plain = replace(models, lora=None, compare=False)
    folders = {style: inputs.output / STYLES / style for style in (BASE, *loras)}
    reports = [_generate(script, replace(inputs, output=folders[BASE]), settings, plain)]
    faults: dict[str, str] = {}
    for style, path in loras.items():
        print(f"style: {style}")
        try:
            reports.append(
                _generate(script, replace(inputs, output=folders[style]), settings, replace(plain, lora=path))
            )
        except UserError as error:
            faults[path.name] = str(error)
            del folders[style]
    write_faults(inputs.output, faults)
    subjects, _ = find_subjects(inputs.features, photo=inputs.photo, with_photos=settings.start != "text")
    people = evenly(subjects, max(1, inputs.tiles // len(folders)))
    gallery = inputs.output / GALLERY
    write_marked_png(gallery, styles_sheet(people, folders))
    print(f"written: {shown(gallery)}")
    print_faults(inputs.output, faults)
    figures = {"styles": len(folders), "avatars": sum(int(str(report.figures["avatars"])) for report in reports)}
    return replace(
        reports[-1],
        output=inputs.output,
        figures=figures,
        faults=len(faults) + sum(report.faults for report in reports),
        weights=list(dict.fromkeys(name for report in reports for name in report.weights)),
    )


def _items(subjects: Sequence[Subject], run: AvatarRun) -> Iterator[Item[Subject]]:
    attempt = f" {time.time_ns()}" if run.inputs.from_picture else ""  # a repetition is always generated anew
    for subject in subjects:
        facts = run.facts(subject) | {"compare": run.models.compare}
        yield Item(subject.name, fingerprint(facts) + attempt, subject.label, subject)


def _check_photos(subjects: Sequence[Subject], folder: Path) -> None:
    """Raise UserError if a photo would be replaced by a result, such as an avatar that is the photo of the next."""
    for subject in subjects:
        for kind in KINDS:
            path = folder / kind / f"{subject.name}.png"
            if subject.photo is not None and path.exists() and path.samefile(subject.photo):
                raise UserError(f"{path}: is the photo of {subject.file}; set OUTPUT to another folder")


def print_plan(subjects: Sequence[Subject], run: AvatarRun) -> None:
    """Print how many pictures start from what, with how many steps. Raises UserError if a pass would have none."""
    starts = {subject.name: run.start(subject) for subject in subjects}
    for start, count in sorted(Counter(starts.values()).items()):
        one = next(subject for subject in subjects if starts[subject.name] == start)
        print(f"{count} from {STARTED[start]}: {count_steps(run.recipe(one), start != 'text')}")
    print(f"prompt of {subjects[0].name}: {run.texts(subjects[0])[0]}")
    if run.choice.base.is_small and (run.choice.base.path / VOCABULARY).is_file():
        _warn_of_unknown_words([run.texts(subject)[0] for subject in subjects], run.choice.base.path)


def _warn_of_unknown_words(prompts: Sequence[str], base: Path) -> None:
    """Print one line that names the words of the prompts which the small model does not know."""
    unknown = unknown_words(prompts, known_words(base))
    if unknown:
        more = f" and {len(unknown) - MOST_WORDS} more" if len(unknown) > MOST_WORDS else ""
        print(
            f"warning: the small model does not know {', '.join(unknown[:MOST_WORDS])}{more}, and will not draw what "
            "these words mean; use other words (avatar/drawing/wordings.py has those it knows), or set MODEL to SDXL"
        )


# ---- the end ----


def _finish(
    run: AvatarRun,
    subjects: Sequence[Subject],
    faults: dict[str, str],
    outcome: Outcome[None],
    *,
    statistics: Statistics,
    folder: Path,
) -> Report:
    """Write the overviews, print the results, and return the report."""
    write_faults(folder, faults)
    there = [subject for subject in subjects if subject.label not in faults]
    if not there:
        raise_faults("", [f"{name}: {fault}" for name, fault in faults.items()])
    if run.inputs.variants > 1 and run.inputs.from_picture is None:
        write_marked_png(folder / VARIANTS_SHEET, variants_sheet(there, folder / VARIANTS, run.inputs))
        print(f"written: {shown(folder / VARIANTS_SHEET)}; PICK {run.inputs.pick} is the avatar, PICK chooses another")
    sheet = folder / CONTACT_SHEET
    write_marked_png(sheet, contact_sheet(there, folder, run))
    print(f"avatars in {shown(folder / AVATARS)}: {outcome.made} new, {outcome.kept} up to date")
    statistics.print_all()
    first = folder / AVATARS / f"{there[0].name}.png"
    if run.inputs.from_picture is not None:
        print(compare_pictures(run.inputs.from_picture, first))
    for path in [first] * (len(there) == 1) + [sheet]:
        print(f"written: {shown(path)}")
    print_faults(folder, faults)
    files = [path for subject in there for path in (subject.file, subject.photo, subject.reference) if path is not None]
    drawn = statistics.totals["avatars"]
    needed = run.settings.cut_out and drawn and not all(map(run.keeps_colours, there))
    cutter = load_foreground_model(run.settings.cutout_model).weights if needed else []
    adapters = [str(facts["file"]) for facts in (*run.loras.values(), run.adapter) if facts]
    return Report(
        output=folder,
        inputs=[*dict.fromkeys(files), *(path for path, _ in run.models.loras().values())],
        figures={"avatars": len(there), "drawn now": drawn, **statistics.figures()},
        faults=len(faults),
        device=describe_device(),
        weights=[*run.choice.hashes, *adapters, *cutter],
    )


def contact_sheet(subjects: Sequence[Subject], folder: Path, run: AvatarRun) -> Image.Image:
    """Draw every step of a few avatars, or only the avatars of many."""
    kinds = [AVATARS]
    chosen = evenly(subjects, run.inputs.tiles)
    if len(chosen) <= FEW:
        started = all(run.start(subject) != "text" for subject in chosen)
        kinds = [STARTS] * started + [DRAWN] + [AVATARS] * run.settings.cut_out
    columns = len(kinds) if len(kinds) > 1 else math.ceil(math.sqrt(1.4 * len(chosen)))
    names = [subject.features.name or subject.name for subject in chosen]
    pictures = [
        functools.partial(_opened, folder / kind / f"{subject.name}.png") for subject in chosen for kind in kinds
    ]
    labels = [f"{name}\n{LABELS[kind]}" if len(kinds) > 1 else name for name in names for kind in kinds]
    footer = "synthetic pictures" + (f", {len(chosen)} of {len(subjects)}" if len(chosen) < len(subjects) else "")
    return picture_grid(pictures, labels, columns, TILE_PX, "Avatars", footer=footer)


def variants_sheet(subjects: Sequence[Subject], folder: Path, inputs: InputSettings) -> Image.Image:
    """Draw the numbered variants of a few people, those of one person below each other."""
    people = evenly(subjects, max(1, inputs.tiles // inputs.variants))
    pictures, labels = [], []
    for subject in people:
        for variant in variants_of([subject], inputs.variants):
            pictures.append(_tile(folder / AVATARS / f"{variant.name}.png"))
            name = subject.features.name or subject.name
            number = f"{variant.variant}, picked" if variant.variant == inputs.pick else str(variant.variant)
            labels.append(f"{name}\n{number}" if len(people) > 1 else number)
    columns = inputs.variants if len(people) > 1 else min(inputs.variants, SHEET_COLUMNS)
    return picture_grid(pictures, labels, columns, TILE_PX, "Variants", footer="synthetic pictures")


def styles_sheet(subjects: Sequence[Subject], folders: Mapping[str, Path]) -> Image.Image:
    """Draw the avatars of a few people, one column a style; `folders` holds the styles' avatars."""
    pictures = [_tile(folder / AVATARS / f"{subject.name}.png") for subject in subjects for folder in folders.values()]
    labels = [f"{subject.features.name or subject.name}\n{style}" for subject in subjects for style in folders]
    return picture_grid(pictures, labels, len(folders), TILE_PX, "Styles", footer="synthetic pictures")


def _tile(path: Path) -> Image.Image | Callable[[], Image.Image]:
    """A picture to be opened on demand; transparent if it could not be made."""
    return functools.partial(_opened, path) if path.is_file() else Image.new("RGBA", (1, 1))


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.resize((2 * TILE_PX, 2 * TILE_PX), Image.Resampling.LANCZOS, reducing_gap=3)


def compare_pictures(first: Path, second: Path) -> str:
    """One line that says whether two pictures are equal."""
    with Image.open(first) as a, Image.open(second) as b:
        if a.size == b.size and a.mode == b.mode:
            apart = np.abs(np.asarray(a, np.int16) - np.asarray(b, np.int16))
            if not apart.any():
                return f"{first.name} is repeated exactly, every pixel"
            share = 100 * (apart.max(axis=-1) > 0).mean()
            return (
                f"repeated, but {share:.1f} % of the pixels differ, by at most {apart.max()}: other device or version"
            )
    return "repeated, but in another size or mode: the picture was changed since"
