"""Provenance of avatars: everything that a picture is made from, and how a picture is repeated from it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from avatar.drawing.palette import Style
from avatar.likeness.candidates import asked_traits
from avatar.likeness.figures import GARMENT_COLOUR, Figure, draw_up_figure
from avatar.likeness.photo_guesses import guess_from_photo
from avatar.person.subjects import Subject
from avatar.prompt.wording import Prompt, generate_weighted_prompt
from avatar.sdxl.avatar_reader import READER
from avatar.sdxl.avatar_settings import STYLE, InputSettings, ModelSettings, PictureSettings, Start
from avatar.sdxl.generation import Recipe, least_strength
from avatar.sdxl.sources import ModelChoice
from common.errors import UserError
from common.files import sha256_of

KEPT_STRENGTH, RESTYLED_STRENGTH = 0.05, 0.6  # share of the schedule that is applied to a figure
GARMENT = ("garment_colour", GARMENT_COLOUR)  # guesses of a photo about clothes
METHOD = 6  # increases when equal settings give other pictures


def picture_seed(seed: int, name: str) -> int:
    """A person's seed: other names give other noise, and it does not depend on who else is in the run."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:6])


@dataclass(frozen=True)
class AvatarRun:
    """What all pictures of a run have in common.

    Attributes:
        script: name of the script, for the pictures' metadata.
        inputs: what is read and written.
        settings: settings of the run, or of the picture to repeat.
        models: which models and LoRAs are used.
        choice: base and refiner that were found.
        loras: file name, scale and hash of each LoRA by adapter name.
        adapter: file name, scale and hashes of the image prompt adapter; empty if there is none.
    """

    script: str
    inputs: InputSettings
    settings: PictureSettings
    models: ModelSettings
    choice: ModelChoice
    loras: Mapping[str, Mapping[str, Any]]
    adapter: Mapping[str, Any] = field(default_factory=dict)

    def seed(self, subject: Subject) -> int:
        """Seed of the subject's picture and of the wording of its prompt."""
        return picture_seed(self.settings_of(subject).seed, subject.features.name)

    def settings_of(self, subject: Subject) -> PictureSettings:
        """The settings that make the subject's variant if it is the only one."""
        return replace(self.settings, seed=self.settings.seed + subject.variant - 1)

    def start(self, subject: Subject) -> Start:
        """What the subject's picture starts from: "figure", "photo" or "text"."""
        start = self.settings.start
        if start == "auto":
            start = "figure" if self.choice.base.is_small else "photo"
        return "text" if start == "photo" and subject.photo is None else start

    def recipe(self, subject: Subject) -> Recipe:
        """Settings of the denoising, with the strength that suits the start."""
        recipe = self.settings.recipe
        if recipe.strength is not None or self.start(subject) != "figure":
            return recipe
        wanted = KEPT_STRENGTH if self.keeps_colours(subject) else RESTYLED_STRENGTH
        return replace(recipe, strength=max(wanted, least_strength(recipe)))

    @property
    def reads_traits(self) -> bool:
        """Whether the best of several candidates is kept: drawn avatars without a style can be read."""
        return self.settings.candidates > 1 and self.choice.base.is_small and not self._styled

    def asked(self, subject: Subject) -> dict[str, set[str]]:
        """Words that fit each trait that a candidate should show; empty if there is nothing to choose by."""
        return asked_traits(self.figure(subject)) if self.reads_traits else {}

    def keeps_colours(self, subject: Subject) -> bool:
        """Whether the picture keeps the colours of its start: those of a figure, unless a LoRA brings others."""
        return self.start(subject) == "figure" and (not self._styled or self.figure_style != "plain")

    @property
    def figure_style(self) -> Style:
        """Style in which figures are drawn: plain without a LoRA."""
        return self.settings.figure_style if self._styled else "plain"

    @property
    def _styled(self) -> bool:
        return self.models.lora_scale != 0 and STYLE in self.loras

    def figure(self, subject: Subject) -> Figure:
        """The subject's figure, which wears what the prompt says."""
        text = self.inputs.prompt or self._written(subject).text
        guesses = self._guesses(subject) if self.start(subject) == "figure" else {}
        return draw_up_figure(subject.features, text, self.seed(subject), guesses)

    def _guesses(self, subject: Subject) -> dict[str, str]:
        """What the photo tells beyond the features; empty without one."""
        if subject.photo is None:
            return {}
        guesses = guess_from_photo(subject.photo, subject.features.photo_sha256, subject.features.face_box)
        by_taste = self.settings.clothes == "taste"
        return {name: value for name, value in guesses.items() if not (by_taste and name in GARMENT)}

    def prompt(self, subject: Subject) -> Prompt:
        """Prompt that is written from the features."""
        return self._written(subject).adding(self.figure(subject).phrases)

    def _written(self, subject: Subject) -> Prompt:
        return generate_weighted_prompt(
            subject.features,
            self.seed(subject),
            accessories=self.settings.accessories,
            held=not self.choice.base.is_small,
            garment_colour=self._guesses(subject).get("garment_colour", ""),
        )

    def texts(self, subject: Subject) -> tuple[str, str]:
        """Prompt and negative prompt; typed ones take precedence."""
        prompt = self.prompt(subject)
        return self.inputs.prompt or prompt.text, self.inputs.negative or prompt.negative

    def public_texts(self, subject: Subject) -> tuple[str, str]:
        """As `texts`, without words about the person. Typed prompts count as such and are dropped."""
        prompt = self.prompt(subject).without_person()
        return "" if self.inputs.prompt else prompt.text, "" if self.inputs.negative else prompt.negative

    def facts(self, subject: Subject) -> dict[str, Any]:
        """Everything that a subject's picture is made from; private parts as hashes."""
        return {
            "method": METHOD,
            "settings": asdict(self.settings_of(subject)),
            "seed": self.seed(subject),
            "models": dict(self.choice.hashes) | ({READER.name: sha256_of(READER)} if self.reads_traits else {}),
            "loras": {name: dict(facts) for name, facts in self.loras.items()},
            "features_sha256": subject.features_sha256,
            "photo_sha256": subject.features.photo_sha256 if subject.photo is not None else "",
            "prompt_sha256": hashlib.sha256("\n".join(self.texts(subject)).encode()).hexdigest(),
        } | self._adapter_facts(subject)

    def _adapter_facts(self, subject: Subject) -> dict[str, Any]:
        if not self.adapter:
            return {}
        reference = sha256_of(subject.reference) if subject.reference is not None else ""
        return {"ip_adapter": dict(self.adapter), "reference_sha256": reference}


def fingerprint(facts: Mapping[str, Any]) -> str:
    """Hash of facts, which changes with anything that a picture is made from."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def lora_facts(models: ModelSettings) -> dict[str, dict[str, Any]]:
    """File name, scale and hash of each LoRA by adapter name."""
    return {
        name: {"file": path.name, "scale": scale, "sha256": sha256_of(path)}
        for name, (path, scale) in models.loras().items()
    }


# ---- repeating a picture ----


def settings_from(provenance: Mapping[str, Any], picture: Path) -> PictureSettings:
    """Read the settings in a picture's provenance.

    Raises:
        UserError: they are damaged, or from another version of the project.
    """
    try:
        settings = dict(provenance["settings"])
        found = PictureSettings(recipe=Recipe(**settings.pop("recipe")), **settings)
        for group in (found.recipe, found):
            _check_types(group)
        found.check()
    except UserError as error:
        raise UserError(f"{picture}: {error}") from error
    except (TypeError, KeyError, ValueError) as error:
        raise UserError(f"{picture}: its settings are damaged, or from another version of the project") from error
    return found


def _check_types(group: Recipe | PictureSettings) -> None:
    """Raise TypeError if a field has another type than it declares; a whole number is a number, true is none."""
    for name, hint in get_type_hints(type(group)).items():
        if type(getattr(group, name)) not in _types_of(hint):
            raise TypeError(name)


def _types_of(hint: Any) -> set[type]:
    if get_origin(hint) is UnionType:
        return set().union(*map(_types_of, get_args(hint)))
    if get_origin(hint) is Literal:
        return {type(choice) for choice in get_args(hint)}
    return {int, float} if hint is float else {hint}


def lora_scale_from(provenance: Mapping[str, Any], default: float) -> float:
    """Scale of the style LoRA in a picture's provenance, of any size; `default` if there is none."""
    loras = provenance.get("loras")
    return _scale_in(loras.get(STYLE) if isinstance(loras, dict) else None, default)


def likeness_from(provenance: Mapping[str, Any], default: float) -> float:
    """Scale of the image prompt adapter in a picture's provenance, of any size; `default` if there is none."""
    return _scale_in(provenance.get("ip_adapter"), default)


def _scale_in(facts: object, default: float) -> float:
    scale = facts.get("scale") if isinstance(facts, dict) else None
    return scale if isinstance(scale, int | float) else default  # as it is: a whole number may be too large for a float


def subject_of(provenance: Mapping[str, Any], picture: Path, subjects: Sequence[Subject], run: AvatarRun) -> Subject:
    """Find the subject of a picture, and check that the run has everything that the picture was made from.

    Raises:
        UserError: names everything that differs.
    """
    same = [subject for subject in subjects if subject.features_sha256 == provenance.get("features_sha256")]
    if not same:
        raise UserError(f"{picture}: was made from other features; set FEATURES to the JSON that it was made from")
    facts = run.facts(same[0])
    remedies = {
        "method": "it was made by another version of the project",
        "photo_sha256": "the photo differs; set PHOTO to the one that it was made from",
        "models": f"the model differs ({_names(provenance, 'models')}); set MODEL and REFINER to that one",
        "loras": f"the LoRAs differ ({_names(provenance, 'loras')}); set LORA of AvatarGen.py, and FAST_LORA",
        "ip_adapter": "the image prompt adapter differs; set IP_ADAPTER to the one that it was made with, or to None",
        "reference_sha256": "the reference photo differs; set REFERENCE to the one that it was made with",
        "prompt_sha256": "the prompts differ; set PROMPT and NEGATIVE as they were",
    }
    differing = [remedy for key, remedy in remedies.items() if facts.get(key) != provenance.get(key)]
    if differing:
        raise UserError(f"{picture}: cannot be repeated: {'; '.join(differing)}")
    return same[0]


def _names(provenance: Mapping[str, Any], key: str) -> str:
    found = provenance.get(key)
    if not isinstance(found, dict) or not found:
        return "none"
    return ", ".join(str(facts.get("file", name)) if isinstance(facts, dict) else name for name, facts in found.items())
