"""What a run of avatars is: its settings and files, what each picture is made from, and how one is repeated."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from avatar.cutout.background_removal import DEFAULT_MODEL, ModelName
from avatar.person.subjects import Person
from avatar.prompt.wording import Prompt, generate_weighted_prompt
from avatar.sdxl.generation import Recipe
from avatar.sdxl.lora_files import HIGHEST_SCALE
from avatar.sdxl.picture_metadata import mark_of
from avatar.sdxl.pipelines import FEW_STEP, Precision
from common.errors import UserError, check_range
from common.files import sha256_of

Start = Literal["photo", "text"]
METHOD = 1  # goes up when the same settings give other pictures
AVATARS, DRAWN, STARTS, PAIRS = KINDS = ("avatars", "drawn", "starts", "pairs")  # folders of the output
STYLE, FAST = "style", "fast"  # LoRAs by what they are for


@dataclass(frozen=True)
class Settings:
    """What a picture is made by, beside the person and the models: all of it is in the picture's text.

    Attributes:
        recipe: how it is drawn.
        seed: each person's own seed comes from it and the name.
        size_px: side of the avatar.
        start: "photo", or "text" to leave photos alone.
        cut_out: remove the background.
        cutout_model: of `avatar.cutout.background_removal`.
        max_tokens: the least important words of longer prompts are left out; None: nothing is.
        precision: of `avatar.sdxl.pipelines.Loading`.
        vram_gb: the same.
        compiled: torch.compile makes the UNets faster.
        consent: the PNG may hold words about the person.
    """

    recipe: Recipe = field(default_factory=Recipe)
    seed: int = 1
    size_px: int = 1024
    start: Start = "photo"
    cut_out: bool = True
    cutout_model: ModelName = DEFAULT_MODEL
    max_tokens: int | None = None
    precision: Precision = "auto"
    vram_gb: int | None = None
    compiled: bool = False
    consent: bool = False

    def check(self) -> None:
        """Raise UserError where a value is out of its range, or settings contradict one another."""
        check_range("SIZE_PX", self.size_px, 64, 4096)
        check_range("SEED", self.seed, 0, 2**63 - 1)
        if self.max_tokens is not None:
            check_range("MAX_TOKENS", self.max_tokens, 1, 10_000)
        self.recipe.check()


@dataclass(frozen=True)
class Files:
    """What a run reads and writes.

    Attributes:
        features: see `avatar.person.subjects.find_people`.
        output: folder of the results.
        photo: of the one person, where it has moved.
        from_picture: an avatar to repeat.
        prompt: words instead of those that the features give; empty: those.
        negative: the same, of what pictures shall not show.
    """

    features: Path
    output: Path
    photo: Path | None = None
    from_picture: Path | None = None
    prompt: str = ""
    negative: str = ""


@dataclass(frozen=True)
class ModelFiles:
    """What draws.

    Attributes:
        model: see `avatar.sdxl.sources.choose_model`.
        refiner: the same.
        config: see `avatar.sdxl.pipelines.Loading`.
        allow_pickle: open .bin and .ckpt files, of models and LoRAs.
        fast_lora: a distilled LoRA for the few-step schedulers.
        lora: a LoRA of a style.
        lora_scale: how strongly that one acts.
        compare: draw each picture without that one as well.
    """

    model: str = "auto"
    refiner: str = "auto"
    config: Path | None = None
    allow_pickle: bool = False
    fast_lora: Path | None = None
    lora: Path | None = None
    lora_scale: float = 1.0
    compare: bool = False

    def loras(self) -> dict[str, tuple[Path, float]]:
        """File and scale of the LoRAs that there are, by what they are for."""
        given = {FAST: (self.fast_lora, 1.0), STYLE: (self.lora, self.lora_scale)}
        return {role: (path, scale) for role, (path, scale) in given.items() if path is not None}

    def check(self, scheduler: str) -> None:
        """Raise UserError where a LoRA is no file, or a distilled one meets a scheduler of many steps."""
        if self.fast_lora is not None and scheduler not in FEW_STEP:
            raise UserError(
                f"setting FAST_LORA is for SCHEDULER {' or '.join(FEW_STEP)}, and SCHEDULER is {scheduler}; choose one "
                "of them, with MODE base, STEPS 4 to 8 and GUIDANCE 1"
            )
        check_range("LORA_SCALE", self.lora_scale, -HIGHEST_SCALE, HIGHEST_SCALE)
        for path, _ in self.loras().values():
            if not path.is_file():
                reason = (
                    "is a folder, not a LoRA file" if path.is_dir() else "no such LoRA file; TrainLoRA.py makes one"
                )
                raise UserError(f"{path}: {reason}")


def picture_seed(seed: int, name: str) -> int:
    """A person's own seed, so that people of different names get different noise, whoever else is drawn."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:6])


@dataclass(frozen=True)
class Job:
    """What all pictures of a run have in common.

    Attributes:
        files: of the run.
        settings: of the run, or of the picture that is repeated.
        models: SHA-256 by name.
        loras: file name, scale and SHA-256 by what they are for.
        output: folder of the results.
    """

    files: Files
    settings: Settings
    models: Mapping[str, str]
    loras: Mapping[str, Mapping[str, Any]]
    output: Path

    def path(self, kind: str, person: Person, suffix: str = ".png") -> Path:
        """File of one of KINDS."""
        return self.output / kind / f"{person.name}{suffix}"

    def seed(self, person: Person) -> int:
        """Of the person's picture and of the wording of the prompt."""
        return picture_seed(self.settings.seed, person.features.name)

    def prompt(self, person: Person) -> Prompt:
        """What the features ask for."""
        return generate_weighted_prompt(person.features, self.seed(person))

    def texts(self, person: Person) -> tuple[str, str]:
        """Prompt and negative prompt: what a user types goes before what the features ask for."""
        prompt = self.prompt(person)
        return self.files.prompt or prompt.text, self.files.negative or prompt.negative

    def public_texts(self, person: Person) -> tuple[str, str]:
        """The same less their words about the person, as which all that a user types counts."""
        prompt = self.prompt(person).without_person()
        return "" if self.files.prompt else prompt.text, "" if self.files.negative else prompt.negative

    def facts(self, person: Person) -> dict[str, Any]:
        """All that a person's picture is made from; what is private of it as hashes."""
        return {
            "method": METHOD,
            "settings": asdict(self.settings),
            "seed": self.seed(person),
            "models": dict(self.models),
            "loras": {role: dict(facts) for role, facts in self.loras.items()},
            "features_sha256": person.features_sha256,
            "photo_sha256": person.features.photo_sha256 if person.photo is not None else "",
            "prompt_sha256": hashlib.sha256("\n".join(self.texts(person)).encode()).hexdigest(),
        }

    def mark(self, person: Person) -> str:
        """A hash that changes with anything that the picture is made from."""
        return hashlib.sha256(json.dumps(self.facts(person), sort_keys=True).encode()).hexdigest()

    def is_done(self, person: Person, kinds: Sequence[str]) -> bool:
        """Whether the person's pictures of these kinds are there, whole and up to date."""
        mark = self.mark(person)
        return all(mark_of(self.path(kind, person)) == mark for kind in kinds)

    def check_output(self, people: Sequence[Person]) -> None:
        """Refuse a folder in which files of others, or inputs, would be replaced.

        Raises:
            UserError: names the first of them.
        """
        if self.output.is_file() or self.output.suffix.lower() in (".png", ".json", ".csv"):
            raise UserError(f"setting OUTPUT is {self.output}; it must be a folder")
        if self.output.resolve() == self.files.features.resolve():
            raise UserError(f"setting OUTPUT is {self.output}, the folder of the features; name another one")
        foreign = [path for person in people for path in self._foreign(person)]
        if foreign:
            more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
            raise UserError(f"{foreign[0]}{more}: not made by this script; set OUTPUT to another folder")

    def _foreign(self, person: Person) -> list[Path]:
        ours = [self.path(kind, person) for kind in (AVATARS, DRAWN, PAIRS)]
        found = [path for path in ours if path.exists() and mark_of(path) is None]
        record, start = self.path(AVATARS, person, ".json"), self.path(STARTS, person)
        if record.exists() and not _is_record(record):
            found.append(record)
        if start.exists() and not self.path(DRAWN, person).exists():  # which is written before it
            found.append(start)
        if person.photo is not None:
            found += [path for path in (*ours, start) if path.exists() and path.samefile(person.photo)]
        return found


def _is_record(path: Path) -> bool:
    try:
        return "made_from" in json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return False


def lora_facts(models: ModelFiles) -> dict[str, dict[str, Any]]:
    """Name, scale and hash of the LoRAs, by what they are for."""
    return {
        role: {"file": path.name, "scale": scale, "sha256": sha256_of(path)}
        for role, (path, scale) in models.loras().items()
    }


# ---- repeating a picture ----


def settings_of(making: Mapping[str, Any], picture: Path) -> Settings:
    """The settings that a picture tells.

    Raises:
        UserError: they are damaged, or of another version of the project.
    """
    try:
        settings = dict(making["settings"])
        found = Settings(recipe=Recipe(**settings.pop("recipe")), **settings)
        found.check()
    except (TypeError, KeyError, ValueError) as error:
        raise UserError(f"{picture}: what it says of its settings is damaged, or of another version") from error
    return found


def lora_scale_of(making: Mapping[str, Any], default: float) -> float:
    """The scale of the LoRA of a style that a picture tells; `default` where it has none."""
    loras = making.get("loras")
    style = loras.get(STYLE) if isinstance(loras, dict) else None
    scale = style.get("scale") if isinstance(style, dict) else None
    return float(scale) if isinstance(scale, int | float) else default


def find_same(people: Sequence[Person], job: Job, making: Mapping[str, Any], picture: Path) -> Person:
    """The person in a picture, when all that it was made from is here.

    Raises:
        UserError: names all that differs.
    """
    same = [person for person in people if person.features_sha256 == making.get("features_sha256")]
    if not same:
        raise UserError(f"{picture}: was made from other features; set FEATURES to the JSON that it was made from")
    facts = job.facts(same[0])
    remedies = {
        "method": "it was made by another version of the project",
        "photo_sha256": "the photo is another; set PHOTO to the one that it was made from",
        "models": f"the model is another ({_names(making, 'models')}); set MODEL and REFINER to that",
        "loras": f"the LoRAs are others ({_names(making, 'loras')}); AvatarGen.py takes one as LORA, and FAST_LORA",
        "prompt_sha256": "the words are others; set PROMPT and NEGATIVE as they were",
    }
    differing = [remedy for key, remedy in remedies.items() if facts[key] != making.get(key)]
    if differing:
        raise UserError(f"{picture}: cannot be repeated: {'; '.join(differing)}")
    return same[0]


def _names(making: Mapping[str, Any], key: str) -> str:
    found = making.get(key)
    if not isinstance(found, dict) or not found:
        return "none"
    return ", ".join(str(facts.get("file", name)) if isinstance(facts, dict) else name for name, facts in found.items())
