"""Settings of a run of avatars, in the groups that the steps of the work need.

A field has the name of its setting in AvatarGen.py and AvatarGen_Base.py, in lower case; COMPILE alone has another one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from avatar.cutout.foreground_models import DEFAULT_MODEL, ModelName
from avatar.drawing.palette import Style
from avatar.prompt.syntax import parse_prompt
from avatar.prompt.wording import Accessories
from avatar.sdxl.generation import Recipe, check_choices
from avatar.sdxl.lora_files import HIGHEST_SCALE
from avatar.sdxl.pipelines import FEW_STEP, LoadSettings, Precision, Scheduler
from common.errors import UserError, check_range
from common.paths import resolved
from common.ray_engine import Engine

Group = TypeVar("Group")
Start = Literal["auto", "figure", "photo", "text"]
Clothes = Literal["photo", "taste"]
MOST_CANDIDATES = 16
STYLE, FAST = "style", "fast"  # adapter names of the LoRAs
MOST_VARIANTS = 64


@dataclass(frozen=True, kw_only=True)
class PictureSettings:
    """Settings that decide what a picture looks like, besides the person and the models.

    They are stored in the picture's metadata, from which `--from-picture` reads them.

    Attributes:
        recipe: settings of the denoising.
        seed: base seed; each person's seed is derived from it and the name.
        size_px: side of the avatar.
        start: what generation starts from: "figure", the drawn figure of the person; "photo"; "text", nothing; "auto":
            the figure for the small model if anything of the appearance is known, else the photo, if there is one.
        figure_style: style in which the figure is drawn.
        candidates: most pictures that are generated of a person; the one that shows the traits best is kept.
        accessories: "fitting" keeps accessories by taste off head and face; "free" allows them there.
        clothes: whether the garment, which is by taste, has the colour that is worn in the photo, or one by taste.
        cut_out: remove the background.
        cutout_model: model that removes it.
        max_tokens: longest prompt; the least important words of longer ones are dropped. None: no limit.
        precision: precision of UNets and text encoders.
        vram_gb: memory preset; None: chosen by the GPU's memory.
        compiled: compile the UNets by torch.compile.
        consent: the PNG may contain words about the person.
    """

    recipe: Recipe = field(default_factory=Recipe)
    seed: int = 1
    size_px: int = 1024
    start: Start = "auto"
    figure_style: Style = "plain"
    candidates: int = 1
    accessories: Accessories = "fitting"
    clothes: Clothes = "photo"
    cut_out: bool = True
    cutout_model: ModelName = DEFAULT_MODEL
    max_tokens: int | None = None
    precision: Precision = "auto"
    vram_gb: int | None = None
    compiled: bool = False
    consent: bool = False

    def check(self) -> None:
        """Raise UserError if a value is outside its range, or settings contradict each other."""
        check_range("SIZE_PX", self.size_px, 64, 4096)
        check_range("SEED", self.seed, 0, 2**63 - 1)
        check_range("CANDIDATES", self.candidates, 1, MOST_CANDIDATES)
        if self.max_tokens is not None:
            check_range("MAX_TOKENS", self.max_tokens, 1, 10_000)
        check_choices(
            START=(self.start, Start),
            FIGURE_STYLE=(self.figure_style, Style),
            ACCESSORIES=(self.accessories, Accessories),
            CLOTHES=(self.clothes, Clothes),
            CUTOUT_MODEL=(self.cutout_model, ModelName),
            PRECISION=(self.precision, Precision),
        )
        self.recipe.check()


@dataclass(frozen=True, kw_only=True)
class InputSettings:
    """What is read and written.

    Attributes:
        features: features JSON, folder of them, or table of tastes.
        output: folder for the results.
        photo: replaces the photo path in the features of a single person.
        reference: photo of a single person for the image prompt adapter; None: the photo in the features.
        from_picture: avatar to repeat.
        tiles: largest number of avatars on the contact sheet.
        variants: number of avatars of each person, from consecutive seeds.
        pick: number of the variant that becomes the avatar.
        prompt: typed prompt; empty: written from the features.
        negative: typed negative prompt; empty: the usual one.
        engine: "ray" where Ray generates the avatars.
        ray_address: address of its cluster.
        workers: its processes.
        worker_cpus: cores that each of them asks for.
    """

    features: Path
    output: Path
    photo: Path | None = None
    reference: Path | None = None
    from_picture: Path | None = None
    prompt: str = ""
    negative: str = ""
    tiles: int = 48
    variants: int = 1
    pick: int = 1
    engine: Engine = "local"
    ray_address: str = ""
    workers: int | None = None
    worker_cpus: int = 1

    def check(self) -> None:
        """Raise UserError if OUTPUT cannot be a folder of results, or a typed prompt has invalid syntax."""
        if self.output.is_file() or self.output.suffix.lower() in (".png", ".json", ".csv"):
            raise UserError(f"setting OUTPUT is {self.output}; it must be a folder")
        if resolved(self.output) == resolved(self.features):
            raise UserError(f"setting OUTPUT is {self.output}, the folder of the features; use another one")
        check_range("VARIANTS", self.variants, 1, MOST_VARIANTS)
        check_range("PICK", self.pick, 1, self.variants)
        for text in (self.prompt, self.negative):
            parse_prompt(text)


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Which models and LoRAs generate the pictures.

    Attributes:
        model: "auto", hub id, folder or file of the base.
        refiner: "auto", hub id, folder or file of the refiner.
        model_config: folder of configs and tokenizers for single files; None: SDXL's own.
        allow_pickle: also open .bin and .ckpt files of models and LoRAs.
        fast_lora: distilled LoRA for the few-step schedulers.
        lora: LoRA of a style.
        lora_scale: scale of the style LoRA.
        compare: also generate each picture without the style LoRA.
        ip_adapter: file or folder of an image prompt adapter.
        likeness: scale of the image prompt adapter.
    """

    model: str = "auto"
    refiner: str = "auto"
    model_config: Path | None = None
    allow_pickle: bool = False
    fast_lora: Path | None = None
    lora: Path | None = None
    lora_scale: float = 1.0
    compare: bool = False
    ip_adapter: Path | None = None
    likeness: float = 0.6

    def loras(self) -> dict[str, tuple[Path, float]]:
        """File and scale of each LoRA by adapter name."""
        given = {FAST: (self.fast_lora, 1.0), STYLE: (self.lora, self.lora_scale)}
        return {name: (path, scale) for name, (path, scale) in given.items() if path is not None}

    def check(self, scheduler: Scheduler) -> None:
        """Raise UserError if a LoRA is not a file, or a distilled LoRA is combined with a scheduler of many steps."""
        if self.fast_lora is not None and scheduler not in FEW_STEP:
            raise UserError(
                f"setting FAST_LORA needs SCHEDULER {' or '.join(FEW_STEP)}, and SCHEDULER is {scheduler}; set it, "
                "with MODE base, STEPS 4 to 8 and GUIDANCE 1"
            )
        check_range("LIKENESS", self.likeness, 0, 1)
        check_range("LORA_SCALE", self.lora_scale, -HIGHEST_SCALE, HIGHEST_SCALE)
        for path, _ in self.loras().values():
            if not path.is_file():
                fault = "is a folder, not a LoRA file" if path.is_dir() else "no such LoRA file; TrainLoRA.py makes one"
                raise UserError(f"{path}: {fault}")

    def load_settings(self, settings: PictureSettings) -> LoadSettings:
        """How the pipelines are loaded."""
        return LoadSettings(
            precision=settings.precision,
            vram_gb=settings.vram_gb,
            scheduler=settings.recipe.scheduler,
            config=self.model_config,
            allow_pickle=self.allow_pickle,
            ip_adapter=self.ip_adapter,
            likeness=self.likeness,
        )


def group_settings(values: Mapping[str, Any]) -> tuple[InputSettings, PictureSettings, ModelSettings]:
    """Group the settings of a script.

    Args:
        values: values by upper-case name, such as the script's `globals()`; names that are not settings are ignored.
    """
    recipe = _group(Recipe, values)
    settings = _group(PictureSettings, values, recipe=recipe, compiled=values["COMPILE"])
    return _group(InputSettings, values), settings, _group(ModelSettings, values)


def _group(kind: type[Group], values: Mapping[str, Any], **more: object) -> Group:
    names = [found.name for found in fields(kind) if found.name.upper() in values]  # type: ignore[arg-type]
    return kind(**{name: values[name.upper()] for name in names} | more)
