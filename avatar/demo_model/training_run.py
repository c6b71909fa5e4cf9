"""All stages of the demo model's training, and the model that they make."""

import copy
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from avatar.demo_model.autoencoder import AutoencoderTask, DecoderTask, encode_all, normalise
from avatar.demo_model.drawn_pictures import DrawnPictures, draw_ahead
from avatar.demo_model.networks import SdxlNetworks, autoencoder, digest, load_networks, millions, save_model, unet
from avatar.demo_model.stages import StageSettings, StageTask, read_stage, train_stage
from avatar.demo_model.text_encoders import (
    AttributeClassifier,
    CaptionTokens,
    TextTask,
    learn_vocabulary,
    tokenize_captions,
)
from avatar.demo_model.tokenizer import PAD, PAD_2, read_merges, write_tokenizer
from avatar.demo_model.unets import PromptNetworks, PromptTask, UNetSettings, UNetTask
from avatar.sdxl.pipelines import quiet
from avatar.sdxl.sources import BASE, REFINER
from common.devices import describe_device
from common.errors import UserError, check_range, enough_memory
from common.paths import shown
from common.runner import Report
from common.training import start_accelerator

LEARNING_RATE = 1e-3  # highest, of all stages but "prompt" and "decoder"
DECODER_LEARNING_RATE = 3e-4
TEXTS_A_SAMPLE = 8  # captions a step in the stage "text", for each sample of the UNets
REMEDY = "lower BATCH"


@dataclass(frozen=True, kw_only=True)
class PromptPart:
    """One part of the stage "prompt", which has its own schedule.

    Attributes:
        steps: steps of the optimiser.
        pictures: number of pictures learnt from, the first ones; 0: all.
        learning_rate: highest learning rate.
        noise_power: exponent of the noise levels; see `UNetSettings`.
        hair_weight: additional weight of px of the hair.
        captions: captions a step for the text encoders; 0: they are frozen.
    """

    steps: int
    pictures: int
    learning_rate: float
    noise_power: float
    hair_weight: float
    captions: int

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            UserError: a value out of its range.
        """
        check_range("PROMPT_STEPS", self.steps, 1, 10_000_000)
        check_range("PROMPT_PICTURES", self.pictures, 0, 10_000_000)
        check_range("PROMPT_LEARNING_RATE", self.learning_rate, 1e-9, 10)
        check_range("PROMPT_NOISE_POWER", self.noise_power, 0.01, 10)
        check_range("PROMPT_HAIR_WEIGHT", self.hair_weight, 0, 1000)
        check_range("PROMPT_CAPTIONS", self.captions, 0, 1_000_000)


def prompt_parts(**settings: Sequence[float]) -> tuple[PromptPart, ...]:
    """Parts of the stage "prompt" from the values of each setting; one value holds for all parts.

    Args:
        settings: values by the attributes of `PromptPart`; as many steps as there are parts.

    Raises:
        UserError: a setting has neither one value nor one a part, or a value is out of its range.
    """
    count = len(settings["steps"])
    for name, values in settings.items():
        if len(values) not in (1, count):
            raise UserError(
                f"setting PROMPT_{name.upper()} has {len(values)} values; it needs 1, or one for each of the {count} "
                "values of PROMPT_STEPS"
            )
    every = {name: list(values) * (count if len(values) == 1 else 1) for name, values in settings.items()}
    parts = [dict(zip(every, values, strict=True)) for values in zip(*every.values(), strict=True)]
    return tuple(PromptPart(**part) for part in parts)


@dataclass(frozen=True, kw_only=True)
class DemoModelSettings:
    """Settings of the demo model's training.

    Attributes:
        pictures: number of pictures to draw.
        text_steps: steps of the stage "text".
        autoencoder_steps: steps of the stage "autoencoder".
        base_steps: steps of the stage "base".
        base_schedule_steps: steps over which its learning rate falls to 0.
        prompt_parts: parts of the stage "prompt", one after another.
        decoder_steps: steps of the stage "decoder".
        refiner_steps: steps of the stage "refiner".
        batch: samples a step of base and refiner, on each device; the stage "text" has eight times as many captions,
            the stage "autoencoder" as many parts of pictures.
        prompt_batch: samples a step of the stage "prompt", on each device.
        seed: seed of characters, first weights, order and noise.
        start_from: folder of the model whose networks are trained on; None: new networks.
    """

    pictures: int
    text_steps: int
    autoencoder_steps: int
    base_steps: int
    base_schedule_steps: int
    prompt_parts: tuple[PromptPart, ...]
    decoder_steps: int
    refiner_steps: int
    batch: int
    prompt_batch: int
    seed: int
    start_from: Path | None = None


def train(
    settings: DemoModelSettings,
    *,
    output: Path,
    work: Path,
    workers: int,
    stages: Sequence[str],
    samples: int,
    resume: bool,
) -> Report | None:
    """Draw pictures, train stages, and write the model if the last stage, "refiner", is among them.

    Args:
        settings: settings of the training.
        output: folder of the model.
        work: folder of pictures, latents, states, curves and samples.
        workers: number of processes that draw; 0: draw in this one.
        stages: stages to train; the others that these need must be finished in `work`.
        samples: number of pictures drawn at each measurement of a UNet.
        resume: continue an interrupted training.

    Returns:
        Report of the run; None on all processes but the first of `accelerate launch`.

    Raises:
        UserError: the state of a run with other settings, a stage that is not finished, a loss that is not finite, or
            too little memory.
    """
    accelerator = start_accelerator()
    with accelerator.main_process_first():  # one process draws
        pictures = draw_ahead(work, settings.seed, settings.pictures, workers)
    torch.backends.cudnn.benchmark = True  # all steps have the same shapes
    if accelerator.is_main_process:
        print(f"device: {describe_device()}; {pictures.trained} pictures to learn from, {pictures.held_out} held out")
    training = DemoModelTraining(
        settings=settings,
        pictures=pictures,
        accelerator=accelerator,
        work=work,
        stages=stages,
        samples=samples,
        resume=resume,
    )
    with enough_memory(REMEDY), quiet():
        for stage in stages:
            getattr(training, stage)
        if not accelerator.is_main_process:
            return None
        if REFINER not in stages:
            return Report(work, figures=training.figures, device=describe_device())
        return write_model(training, output)


def write_model(training: "DemoModelTraining", output: Path) -> Report:
    """Write the model, and report the sizes of its networks."""
    networks = training.networks
    sizes = {name: millions(getattr(networks, name)) for name in ("text_encoder", "text_encoder_2", "vae")}
    sizes |= {"base unet": millions(networks.unet), "refiner unet": millions(networks.refiner)}
    written = save_model(networks, training.merges, output)
    print(f"model: {shown(output)}, {written / 1e6:.1f} MB; " + ", ".join(f"{k} {v:.2f} M" for k, v in sizes.items()))
    figures = training.figures | {f"{name}, million parameters": round(value, 3) for name, value in sizes.items()}
    return Report(output, figures={**figures, "megabytes": written / 1e6}, device=describe_device())


@dataclass(kw_only=True)
class DemoModelTraining:
    """The stages by their names as attributes: each is trained, or read from the work folder, when it is first used.

    Attributes:
        settings: settings of the training.
        pictures: the drawn pictures.
        accelerator: accelerator of the run.
        work, stages, samples, resume: as in `train`.
        figures: last losses and held-out figures of the stages used so far.
    """

    settings: DemoModelSettings
    pictures: DrawnPictures
    accelerator: Accelerator
    work: Path
    stages: Sequence[str]
    samples: int
    resume: bool
    figures: dict[str, Any] = field(default_factory=dict)

    # ---- stages ----

    @cached_property
    def text(self) -> AttributeClassifier:
        """Text encoders with their linear layers."""
        torch.manual_seed(self.settings.seed)
        network = AttributeClassifier(len(self.tokenizers[0]))
        if self.continued:  # only the linear layers learn, or the UNets would not know the embeddings any more
            network.encoders = nn.ModuleList([self.continued.text_encoder, self.continued.text_encoder_2])
            network.encoders.requires_grad_(False)
        batch = TEXTS_A_SAMPLE * self.settings.batch
        return self._finished("text", network, self._text_task(self.settings.text_steps, batch))

    @cached_property
    def autoencoder(self) -> Any:
        """Autoencoder whose latents are not normalised yet, unless it is one that is continued."""
        if self.continued:
            return self.continued.vae
        settings = StageSettings(**self._plain("autoencoder", self.settings.autoencoder_steps, self.settings.batch))
        torch.manual_seed(self.settings.seed)
        return self._finished("autoencoder", autoencoder(), AutoencoderTask(settings=settings, **self._shared))

    @cached_property
    def decoder(self) -> Any:
        """Autoencoder whose decoder was trained once more, for sharper pictures of the same latents."""
        plain = self._plain("decoder", self.settings.decoder_steps, self.settings.batch, self._made_from(self.text))
        settings = StageSettings(**plain | {"learning_rate": DECODER_LEARNING_RATE})
        network = copy.deepcopy(self.vae).requires_grad_(False)
        for part in (network.post_quant_conv, network.decoder):
            part.requires_grad_(True)
        return self._finished("decoder", network, DecoderTask(settings=settings, **self._shared))

    @cached_property
    def base(self) -> Any:
        """UNet of the base before the stage "prompt"."""
        if self.continued:
            return self.continued.unet
        settings = self._plain(BASE, self.settings.base_steps, self.settings.batch, self._made_from(self.text))
        settings["schedule_steps"] = self.settings.base_schedule_steps
        return self._trained_unet(BASE, settings, self._networks(self.text))

    @cached_property
    def prompt(self) -> PromptNetworks:
        """UNet of the base and text encoders after all parts of the stage."""
        networks = PromptNetworks(self.base, self.text, learn_texts=False)
        for number, part in enumerate(self.settings.prompt_parts, 1):
            networks = self._after("prompt" if number == 1 else f"prompt_{number}", part, networks)
        return networks

    @cached_property
    def refiner(self) -> nn.Module:
        """UNet of the refiner."""
        made_from = self._made_from(self.prompt.classifier)
        settings = self._plain(REFINER, self.settings.refiner_steps, self.settings.batch, made_from)
        return self._trained_unet(REFINER, settings, self.prompt.put_into(self._networks(self.text)))

    def _after(self, name: str, part: PromptPart, before: PromptNetworks) -> PromptNetworks:
        """The networks after one part of the stage "prompt"."""
        plain = self._plain(name, part.steps, self.settings.prompt_batch, digest(before))
        own = asdict(part) | {"pictures": part.pictures or self.pictures.trained, "snr_gamma": 0}
        settings = UNetSettings(**plain | own)
        task = PromptTask(
            settings=settings,
            of_unet=self._unet_task(BASE, settings, self._networks(before.classifier)),
            of_texts=self._text_task(part.steps, part.captions) if part.captions else None,
            **self._shared,
        )
        network = PromptNetworks(before.unet, before.classifier, learn_texts=part.captions > 0)
        return self._finished("prompt", network, task)

    def _finished(self, stage: str, network: nn.Module, task: StageTask) -> Any:
        """Train a stage, or read it if another run trained it; returns its averaged network."""
        found = train_stage(network, task, resume=self.resume) if stage in self.stages else read_stage(network, task)
        self.figures |= {f"{task.settings.stage} {name}": value for name, value in found.history[-1].items()}
        return found.average

    def _trained_unet(self, role: str, settings: dict[str, Any], networks: SdxlNetworks) -> Any:
        task = self._unet_task(role, UNetSettings(**settings), networks)
        torch.manual_seed(self.settings.seed)
        network = self.continued.refiner if self.continued and role == REFINER else unet(role)
        return self._finished(role, network, task)

    # ---- what the stages are made from ----

    def _plain(self, stage: str, steps: int, batch: int, made_from: str = "") -> dict[str, Any]:
        """Settings of a stage that has nothing special, by the attributes of `StageSettings`."""
        return {
            "stage": stage,
            "steps": steps,
            "schedule_steps": steps,
            "batch": batch,
            "pictures": self.pictures.trained,
            "learning_rate": LEARNING_RATE,
            "seed": self.settings.seed,
            "made_from": made_from or self._drawn,
        }

    @property
    def _shared(self) -> dict[str, Any]:
        """Attributes that all tasks have."""
        return {"pictures": self.pictures, "accelerator": self.accelerator, "work": self.work}

    @cached_property
    def continued(self) -> SdxlNetworks | None:
        """Networks that are trained on; None: new ones."""
        return load_networks(self.settings.start_from) if self.settings.start_from else None

    @cached_property
    def _drawn(self) -> str:
        earlier = f" {digest(self.continued.unet)}" if self.continued else ""
        return f"{self.pictures.folder.name} {self.pictures.count}{earlier}"

    def _made_from(self, texts: AttributeClassifier) -> str:
        """Fingerprint of the trained states; that of normalised latents would depend on the number of threads."""
        return f"{self._drawn} {digest(texts.encoders)} {digest(self.autoencoder)}"

    def _text_task(self, steps: int, batch: int) -> TextTask:
        settings = StageSettings(**self._plain("text", steps, batch))
        return TextTask(settings=settings, tokens=self.tokens, **self._shared)

    def _unet_task(self, role: str, settings: UNetSettings, networks: SdxlNetworks) -> UNetTask:
        return UNetTask(
            role=role,
            settings=settings,
            networks=networks,
            latents=self.latents,
            tokens=self.tokens,
            samples=self.samples,
            **self._shared,
        )

    @cached_property
    def merges(self) -> list[tuple[str, str]]:
        """Merges of the tokenizers."""
        if self.settings.start_from:
            return read_merges(self.settings.start_from / BASE / "tokenizer")
        return learn_vocabulary(self.pictures)

    @cached_property
    def tokenizers(self) -> tuple[Any, Any]:
        """Both tokenizers."""
        from transformers import CLIPTokenizer

        first, second = self.work / "tokenizer", self.work / "tokenizer_2"
        write_tokenizer(first, self.merges, PAD)
        write_tokenizer(second, self.merges, PAD_2)
        return CLIPTokenizer.from_pretrained(first), CLIPTokenizer.from_pretrained(second)

    @cached_property
    def tokens(self) -> CaptionTokens:
        """Captions of all pictures."""
        return tokenize_captions(self.tokenizers[0], self.pictures, self.settings.seed)

    @cached_property
    def vae(self) -> nn.Module:
        """Autoencoder with normalised latents."""
        vae = copy.deepcopy(self.autoencoder)
        if self.continued is None:
            normalise(vae, self.pictures, self.accelerator)
        return vae

    @cached_property
    def latents(self) -> Tensor:
        """Latents of all pictures, (N, 4, 32, 32)."""
        folder = self.work / f"latents-{self.pictures.folder.name}-{digest(self.autoencoder)}"
        with self.accelerator.main_process_first():  # one process encodes
            return encode_all(self.vae, self.pictures, folder, self.accelerator)

    def _networks(self, texts: AttributeClassifier) -> SdxlNetworks:
        first, second = texts.encoders
        return SdxlNetworks(*self.tokenizers, text_encoder=first, text_encoder_2=second, vae=self.vae)

    @property
    def networks(self) -> SdxlNetworks:
        """All networks of the model, on the device."""
        return replace(self.prompt.put_into(self._networks(self.text)), refiner=self.refiner, vae=self.decoder)
