"""Makes one avatar: prompt, picture, cut-out, and the record beside it; the models are loaded once."""

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from avatar.cutout.background_removal import remove_background
from avatar.cutout.foreground_models import load_foreground_model
from avatar.drawing.palette import Style
from avatar.likeness.candidates import Agreement, compare_traits
from avatar.person.subjects import Subject
from avatar.prompt.tokens import count_tokens, fit_tokens, tokenizers_of
from avatar.sdxl.avatar_reader import AvatarReader
from avatar.sdxl.avatar_settings import STYLE
from avatar.sdxl.generation import GeneratedPicture, count_steps, generate_picture
from avatar.sdxl.loading import compile_networks, load_pipelines
from avatar.sdxl.lora_files import load_lora, set_lora_scale
from avatar.sdxl.picture_metadata import SENTENCE, marked_png_bytes
from avatar.sdxl.pipelines import Pipelines
from avatar.sdxl.provenance import AvatarRun, fingerprint
from avatar.sdxl.upscaling import enlarge
from common.batches import Made
from common.devices import describe_device
from common.errors import UserError
from common.files import utf8
from common.grids import picture_grid
from common.images import png_bytes
from common.paths import store_url

AVATARS, DRAWN, STARTS, PAIRS = KINDS = ("avatars", "drawn", "starts", "pairs")  # folders of the output
PAIR_PX = 768  # largest tile of a pair with and without the LoRA


@dataclass(frozen=True)
class FinalPrompt:
    """A prompt as the networks receive it.

    Attributes:
        text: prompt with weights.
        negative: what the picture should not show.
        tokens: number of tokens of the prompt.
        left_out: words that were dropped because of MAX_TOKENS.
    """

    text: str
    negative: str
    tokens: int
    left_out: list[str]


@dataclass(frozen=True)
class Candidate:
    """One try at a subject's picture.

    Attributes:
        pictures: the picture; with `compare` also the one without the style LoRA.
        number: 0 for the first try.
        agreement: how well it shows what was asked for; None if nobody looked.
    """

    pictures: list[GeneratedPicture]
    number: int = 0
    agreement: Agreement | None = None


class AvatarMaker:
    """Makes the avatars of a run; see `__call__`."""

    def __init__(self, run: AvatarRun) -> None:
        """Load all models. Raises UserError if one is missing or damaged, or memory is insufficient."""
        self._run = run
        if run.settings.cut_out:
            load_foreground_model(run.settings.cutout_model)  # before the long work, as its weights may be missing
        self._pipelines = load_all(run)
        self._reader = AvatarReader() if run.reads_traits else None
        size, native = run.settings.size_px, self._pipelines.native_px
        change = "" if size == native else f", then {'enlarged' if size > native else 'reduced'} to {size} px"
        tqdm.write(f"pictures are generated at {native} px, the model's native size{change}")

    def __call__(self, subject: Subject) -> Made:
        """Make the files of one avatar.

        Raises:
            UserError: the photo cannot be used, or the model generates no picture.
        """
        start = self._start(subject, self._run.figure_style)
        prompt = self._final_prompt(subject)
        tries = self._try(subject, prompt, start)
        pictures = [picture for candidate in tries for picture in candidate.pictures]
        kept = best_of(tries)
        if kept.agreement is not None and len(tries) > 1:
            wrong = ", ".join(f"{trait} is {word}" for trait, word in kept.agreement.wrong.items())
            tqdm.write(
                f"{subject.name}: kept candidate {kept.number + 1} of {len(tries)}; {wrong or 'all is as asked'}"
            )
        made = avatar_files(self._run, subject, prompt, start, kept)
        measured = {
            "avatars": 1,
            "pictures": len(pictures),
            "steps": sum(picture.steps.total for picture in pictures),
            "seconds": sum(picture.seconds for picture in pictures),
            "step_seconds": sum(picture.step_seconds * picture.steps.total for picture in pictures),
            "retried": sum(picture.retried for picture in pictures),
            "tokens": prompt.tokens,
            "small": int(start is not None and start.width < self._pipelines.native_px),
        }
        return replace(made, passing=measured)

    def _start(self, subject: Subject, style: Style) -> Image.Image | None:
        """Picture that generation starts from; None: from text alone."""
        kind, side = self._run.start(subject), self._pipelines.native_px
        photo = subject.read_photo() if kind != "text" else None
        if kind == "figure":  # some of it is seen in the photo, which therefore must be the right one
            return self._run.figure(subject).draw(side, style)
        if photo is None or not self._run.settings.cut_out:
            return photo
        try:
            person = remove_background(photo, self._run.settings.cutout_model, only_largest=True)
        except UserError:  # nobody stands out from the ground, which then remains
            return photo
        return self._run.figure(subject).in_front(person)

    def _final_prompt(self, subject: Subject) -> FinalPrompt:
        tokenizers = tokenizers_of(self._pipelines.base)
        text, negative = self._run.texts(subject)
        left_out: list[str] = []
        if self._run.settings.max_tokens is not None:
            text, left_out = fit_tokens(tokenizers, text, self._run.settings.max_tokens)
        return FinalPrompt(text, negative, count_tokens(tokenizers, text), left_out)

    def _try(self, subject: Subject, prompt: FinalPrompt, start: Image.Image | None) -> list[Candidate]:
        """Up to `candidates` tries; the first one that shows all that was asked for is the last."""
        asked = self._run.asked(subject)
        tries: list[Candidate] = []
        for number in range(self._run.settings.candidates if asked else 1):
            pictures = self._generate(subject, prompt, start, self._run.seed(subject) + number)
            tries.append(Candidate(pictures, number))
            if asked and self._reader is not None:
                agreement = compare_traits(asked, self._reader.read(np.asarray(pictures[0].image)))
                tries[-1] = replace(tries[-1], agreement=agreement)
                if not agreement.wrong:
                    break
        return tries

    def _generate(
        self, subject: Subject, prompt: FinalPrompt, start: Image.Image | None, seed: int
    ) -> list[GeneratedPicture]:
        """The picture; with `compare` also the one without the style LoRA, from the same seed and a plain figure."""
        run, recipe = self._run, self._run.recipe(subject)
        steps = count_steps(recipe, start is not None).total * (1 + run.models.compare)
        with tqdm(total=steps, desc=subject.name, unit="step", leave=False, disable=None) as bar:
            once = functools.partial(
                generate_picture,
                self._pipelines,
                prompt.text,
                prompt.negative,
                seed=seed,
                recipe=recipe,
                on_step=bar.update,
                reference=subject.read_reference() if run.adapter else None,
            )
            figure = run.figure(subject)
            picture = once(start=start)
            if run.keeps_colours(subject):
                picture = replace(picture, image=figure.keep(picture.image, run.figure_style))
            pictures = [picture]
            if run.models.compare:
                set_lora_scale(self._pipelines, 0, STYLE)
                plain = self._start(subject, "plain")
                try:
                    unstyled = once(start=plain)
                    if run.start(subject) == "figure":
                        unstyled = replace(unstyled, image=figure.keep(unstyled.image))
                    pictures.append(unstyled)
                finally:
                    set_lora_scale(self._pipelines, run.models.lora_scale, STYLE)
        return pictures


def best_of(tries: Sequence[Candidate]) -> Candidate:
    """The candidate with the best agreement; of equal ones, or if nobody looked, the first."""
    return max(tries, key=lambda candidate: candidate.agreement.score if candidate.agreement else 0)


def load_all(run: AvatarRun) -> Pipelines:
    """Load the pipelines, then the LoRAs into them, then compile if that is set."""
    pipelines = load_pipelines(run.choice, run.models.load_settings(run.settings))
    for adapter, (path, scale) in run.models.loras().items():
        match = load_lora(pipelines, path, scale, adapter=adapter, allow_pickle=run.models.allow_pickle)
        tqdm.write(match.in_words())  # a bar is on the screen
    if run.settings.compiled:
        compile_networks(pipelines)
    return pipelines


def avatar_files(
    run: AvatarRun,
    subject: Subject,
    prompt: FinalPrompt,
    start: Image.Image | None,
    kept: Candidate,
) -> Made:
    """Cut the avatar out, and encode all files of a subject.

    If the cut-out fails, the result has a fault, and the generated picture without an avatar.
    """
    settings = run.settings
    sized = [enlarge(picture.image, settings.size_px) for picture in kept.pictures]
    provenance = _provenance(run, subject, prompt)
    files = {f"{DRAWN}/{subject.name}.png": marked_png_bytes(sized[0], provenance)}
    if start is not None:
        files[f"{STARTS}/{subject.name}.png"] = png_bytes(start)
    if len(sized) > 1:
        tile_px = min(settings.size_px, PAIR_PX)
        pair = picture_grid(sized, ["with the LoRA", "without it"], columns=2, tile_px=tile_px)
        files[f"{PAIRS}/{subject.name}.png"] = marked_png_bytes(pair, provenance)
    avatar = sized[0].convert("RGBA")
    if settings.cut_out:
        try:
            avatar = _cut_out(run, subject, sized[0])
        except UserError as error:
            return Made(files, fault=f"{error}; the generated picture is {DRAWN}/{subject.name}.png")
    record = json.dumps(provenance | _private_facts(run, subject, prompt, kept), indent=2, ensure_ascii=False)
    files[f"{AVATARS}/{subject.name}.json"] = utf8(f"{record}\n")
    files[f"{AVATARS}/{subject.name}.png"] = marked_png_bytes(avatar, provenance)
    return Made(files)


def _cut_out(run: AvatarRun, subject: Subject, picture: Image.Image) -> Image.Image:
    """Remove the background, RGBA. Raises UserError if nothing stands out from it."""
    if run.keeps_colours(subject):  # its outline is known
        return run.figure(subject).cut_out(picture, run.figure_style)
    return remove_background(picture, run.settings.cutout_model, only_largest=True, fill_holes=True)


def _provenance(run: AvatarRun, subject: Subject, prompt: FinalPrompt) -> dict[str, Any]:
    """What the PNG contains: with consent the whole prompt, else its words about clothes and style only."""
    consent, facts = run.settings.consent, run.facts(subject)
    text, negative = (prompt.text, prompt.negative) if consent else run.public_texts(subject)
    return facts | {
        "made_from": fingerprint(facts),
        "made_by": f"Re:Live {run.script}",
        "synthetic": SENTENCE,
        "prompt": text,
        "negative_prompt": negative,
        "words_about_the_person": "in the prompt" if consent else "left out",
        "device": describe_device(),
        "versions": {name: metadata.version(name) for name in ("torch", "diffusers", "transformers")},
    }


def _private_facts(run: AvatarRun, subject: Subject, prompt: FinalPrompt, kept: Candidate) -> dict[str, Any]:
    """What only the JSON beside the avatar contains."""
    picture = kept.pictures[0]
    return {
        "name": subject.features.name,
        "features": store_url(subject.file) or str(subject.file),
        "photo": (subject.photo and store_url(subject.photo)) or str(subject.photo or ""),
        "prompt": prompt.text,
        "negative_prompt": prompt.negative,
        "phrases": [[str(phrase), phrase.personal] for phrase in run.prompt(subject).phrases],
        "left_out": prompt.left_out,
        "tokens": prompt.tokens,
        "start": run.start(subject),
        "candidate": kept.number + 1,
        "shown_otherwise": kept.agreement.wrong if kept.agreement else {},
        "steps": str(picture.steps),
        "drawn_px": picture.image.width,
        "seconds": round(picture.seconds, 3),
        "drawn_again_in_full_precision": picture.retried,
    }
