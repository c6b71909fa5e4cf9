"""Provenance of avatars: everything that a picture is made from, and how a picture is repeated from it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from avatar.person.subjects import Subject
from avatar.prompt.wording import Prompt, generate_weighted_prompt
from avatar.sdxl.avatar_settings import STYLE, InputSettings, ModelSettings, PictureSettings
from avatar.sdxl.generation import Recipe
from avatar.sdxl.sources import ModelChoice
from common.errors import UserError
from common.files import sha256_of

METHOD = 1  # increases when equal settings give other pictures


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
    """

    script: str
    inputs: InputSettings
    settings: PictureSettings
    models: ModelSettings
    choice: ModelChoice
    loras: Mapping[str, Mapping[str, Any]]

    def seed(self, subject: Subject) -> int:
        """Seed of the subject's picture and of the wording of its prompt."""
        return picture_seed(self.settings_of(subject).seed, subject.features.name)

    def settings_of(self, subject: Subject) -> PictureSettings:
        """The settings that make the subject's variant if it is the only one."""
        return replace(self.settings, seed=self.settings.seed + subject.variant - 1)

    def prompt(self, subject: Subject) -> Prompt:
        """Prompt that is written from the features."""
        return generate_weighted_prompt(subject.features, self.seed(subject))

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
            "models": dict(self.choice.hashes),
            "loras": {name: dict(facts) for name, facts in self.loras.items()},
            "features_sha256": subject.features_sha256,
            "photo_sha256": subject.features.photo_sha256 if subject.photo is not None else "",
            "prompt_sha256": hashlib.sha256("\n".join(self.texts(subject)).encode()).hexdigest(),
        }


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
        found.check()
    except UserError as error:
        raise UserError(f"{picture}: {error}") from error
    except (TypeError, KeyError, ValueError) as error:
        raise UserError(f"{picture}: its settings are damaged, or from another version of the project") from error
    return found


def lora_scale_from(provenance: Mapping[str, Any], default: float) -> float:
    """Scale of the style LoRA in a picture's provenance; `default` if there is none."""
    loras = provenance.get("loras")
    style = loras.get(STYLE) if isinstance(loras, dict) else None
    scale = style.get("scale") if isinstance(style, dict) else None
    return float(scale) if isinstance(scale, int | float) else default


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
        "prompt_sha256": "the prompts differ; set PROMPT and NEGATIVE as they were",
    }
    differing = [remedy for key, remedy in remedies.items() if facts[key] != provenance.get(key)]
    if differing:
        raise UserError(f"{picture}: cannot be repeated: {'; '.join(differing)}")
    return same[0]


def _names(provenance: Mapping[str, Any], key: str) -> str:
    found = provenance.get(key)
    if not isinstance(found, dict) or not found:
        return "none"
    return ", ".join(str(facts.get("file", name)) if isinstance(facts, dict) else name for name, facts in found.items())
