"""All stages of the demo model's training, one after another, and the model that comes of them."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from avatar.demo_model.autoencoder import autoencoder_stage, encode_all, normalise
from avatar.demo_model.diffusion import PROMPT, DiffusionTask, PromptTask, diffusion_stage, prompt_stage
from avatar.demo_model.examples import DrawnPictures, draw_ahead
from avatar.demo_model.networks import Parts, digest, millions, save_model
from avatar.demo_model.stages import Stage, StageSettings, fit
from avatar.demo_model.text_encoders import TextTask, learn_vocabulary, read_tokens, text_stage
from avatar.demo_model.tokenizer import PAD, PAD_2, write_tokenizer
from avatar.sdxl.pipelines import quiet
from avatar.sdxl.sources import BASE, REFINER
from common.devices import describe_device, pick_device
from common.errors import check_range, enough_memory
from common.paths import shown
from common.runner import Report

LEARNING_RATES = {"text": 1e-3, "autoencoder": 1e-3, BASE: 1e-3, PROMPT: 2e-4, REFINER: 1e-3}
REMEDY = "lower BATCH"


@dataclass(frozen=True)
class DemoSettings:
    """What one training of the demo model is.

    Attributes:
        pictures: that are drawn for it.
        text_steps, autoencoder_steps, base_steps, prompt_steps, refiner_steps: of each stage.
        batch: samples a step of the UNets; text encoders see eight times as many, the autoencoder as many parts.
        seed: of everything.

    Raises:
        UserError: a value out of its range.
    """

    pictures: int
    text_steps: int
    autoencoder_steps: int
    base_steps: int
    prompt_steps: int
    refiner_steps: int
    batch: int
    seed: int

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        check_range("PICTURES", self.pictures, 10, 10_000_000)
        check_range("BATCH", self.batch, 1, 100_000)
        for stage in LEARNING_RATES:  # before any has begun
            self.stage(stage, "")
        check_range("SEED", self.seed, 0, 2**32 - 1)

    def stage(self, name: str, made_from: str) -> StageSettings:
        """Settings of one stage."""
        batch = 8 * self.batch if name == "text" else self.batch
        steps = int(asdict(self)[f"{name}_steps"])
        return StageSettings(name, steps, batch, LEARNING_RATES[name], self.seed, made_from)


def train(settings: DemoSettings, output: Path, work: Path, workers: int, samples: int, resume: bool) -> Report:
    """Draw, train all stages, and write the model.

    Args:
        settings: of the training.
        output: folder for the model.
        work: folder for pictures, latents, states, curves and samples.
        workers: processes that draw; 0: this one.
        samples: pictures that are drawn at each measurement of a UNet.
        resume: go on with the run that was cut short.

    Raises:
        UserError: the state of a run with other settings, a loss that is not finite, no memory.
    """
    pictures = draw_ahead(work, settings.seed, settings.pictures, workers)
    device = pick_device()
    torch.backends.cudnn.benchmark = True  # all steps have the same shapes
    print(f"device: {describe_device()}; {pictures.trained} pictures to learn from, {pictures.held_out} held out")
    with enough_memory(REMEDY), quiet():
        merges = learn_vocabulary(pictures)
        parts, figures = train_parts(settings, pictures, merges, work, samples, resume, device)
        sizes = {name: millions(network) for name, network in networks_of(parts).items()}
        written = save_model(parts, merges, output)
    print(f"model: {shown(output)}, {written / 1e6:.1f} MB; " + ", ".join(f"{k} {v:.2f} M" for k, v in sizes.items()))
    figures |= {f"{name}, million parameters": round(value, 3) for name, value in sizes.items()}
    return Report(output, figures={**figures, "megabytes": written / 1e6}, device=describe_device())


def train_parts(
    settings: DemoSettings,
    pictures: DrawnPictures,
    merges: list[tuple[str, str]],
    work: Path,
    samples: int,
    resume: bool,
    device: torch.device,
) -> tuple[Parts, dict[str, Any]]:
    """Train stage by stage; returns all networks on the device, and the last figure of each stage."""
    from transformers import CLIPTokenizer

    figures: dict[str, Any] = {}
    tokenizers = []
    for name, padding in (("tokenizer", PAD), ("tokenizer_2", PAD_2)):
        write_tokenizer(work / name, merges, padding)
        tokenizers.append(CLIPTokenizer.from_pretrained(work / name))
    tokens = read_tokens(tokenizers[0], pictures, settings.seed)

    drawn = f"{pictures.folder.name} {pictures.count}"

    def trained(stage: Stage) -> Any:
        """The network of a stage, whose last figures are kept."""
        network = fit(stage, work, resume)
        figures.update({f"{stage.settings.stage} {name}": value for name, value in stage.history[-1].items()})
        return network

    attributes = torch.from_numpy(pictures.attributes)
    words = TextTask(settings.stage("text", drawn), pictures, tokens, attributes, device)
    learner = trained(text_stage(words, len(tokenizers[0])))
    vae = trained(autoencoder_stage(settings.stage("autoencoder", drawn), pictures, device))
    made_from = f"{drawn} {digest(learner.encoders)} {digest(vae)}"  # of states: no thread count changes it
    latents_at = work / f"latents-{pictures.folder.name}-{digest(vae)}"
    normalise(vae, pictures, device)
    first, second = learner.encoders
    parts = Parts(tokenizers[0], tokenizers[1], first, second, vae)
    latents = encode_all(vae, pictures, latents_at, device)

    task = DiffusionTask(BASE, settings.stage(BASE, made_from), parts, latents, pictures, tokens, device, samples)
    unet = trained(diffusion_stage(task))
    task = replace(task, settings=settings.stage(PROMPT, digest(unet)))
    both = trained(prompt_stage(PromptTask(task, words), unet, learner))
    parts = both.put_into(parts)
    made_from = f"{drawn} {digest(both.words.encoders)} {digest(vae)}"
    task = DiffusionTask(REFINER, settings.stage(REFINER, made_from), parts, latents, pictures, tokens, device, samples)
    parts.refiner = trained(diffusion_stage(task))
    return parts, figures


def networks_of(parts: Parts) -> dict[str, Any]:
    """All networks by their names in the pipelines."""
    return {
        "text_encoder": parts.text_encoder,
        "text_encoder_2": parts.text_encoder_2,
        "vae": parts.vae,
        "base unet": parts.unet,
        "refiner unet": parts.refiner,
    }
