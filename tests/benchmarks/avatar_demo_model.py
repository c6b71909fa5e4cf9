"""What the demo model draws, judged by a small classifier of drawn pictures, whose own accuracy is printed first.

    python -m tests.benchmarks.avatar_demo_model judge                    # train the judge, once: about 15 minutes
    python -m tests.benchmarks.avatar_demo_model prompts --count 500      # each attribute of held-out prompts
    python -m tests.benchmarks.avatar_demo_model figures --count 200      # the same from figures, plain and in neon
    python -m tests.benchmarks.avatar_demo_model starts --count 200       # tones kept from a start picture
    python -m tests.benchmarks.avatar_demo_model weights --count 200      # what weights of 0.5 and 1.5 do
    python -m tests.benchmarks.avatar_demo_model refiner --count 500      # sharpness, distance to drawn pictures
    python -m tests.benchmarks.avatar_demo_model lora --count 200         # the style, and attributes in it
    python -m tests.benchmarks.avatar_demo_model time --count 5           # seconds and memory of an avatar
    python -m tests.benchmarks.avatar_demo_model diverse --count 200      # seeds of one prompt

--model is the folder of the model; mode and guidance are those of AvatarGen_Base.py, or of AvatarGen.py for a LoRA,
unless they are said. Drawn pictures are made anew from seeds that no training uses. What the model draws is kept:
several benchmarks share pictures, and one that was cut short goes on.
"""

import argparse
import hashlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from tqdm import tqdm

from avatar import AvatarGen, AvatarGen_Base
from avatar.demo_model.autoencoder import to_values
from avatar.demo_model.drawn_pictures import NATIVE_PX
from avatar.drawing.attributes import CHOICES, Attributes
from avatar.drawing.avatars import draw_avatar
from avatar.drawing.captions import garment_words
from avatar.drawing.headwear import COVERS, COVERS_NECK, HATS, HIDDEN_HAIR
from avatar.drawing.palette import Style
from avatar.drawing.picture_folder import character
from avatar.drawing.wordings import HAIRSTYLES
from avatar.likeness.figures import draw_up_figure
from avatar.person.features import Features
from avatar.prompt.wording import CLOSINGS, NEGATIVE, OPENINGS
from avatar.sdxl.generation import Recipe, generate_picture, peak_memory_gb
from avatar.sdxl.loading import load_pipelines
from avatar.sdxl.pipelines import Pipelines
from avatar.sdxl.provenance import KEPT_STRENGTH, RESTYLED_STRENGTH
from avatar.sdxl.sources import AUTO, DEMO_MODEL, choose_model
from common.checkpoints import load_plain, save_plain
from common.errors import UserError
from common.grids import picture_grid
from common.images import write_png
from common.paths import OUTPUTS, shown
from tests.benchmarks.hardware import describe_machine

STYLES: tuple[Style, ...] = get_args(Style)
FOLDER = OUTPUTS / "benchmarks/avatar_demo_model"
CPU = torch.device("cpu")
JUDGED_PX = 128  # side that the judge sees
JUDGE_SEED, HELD_OUT_SEED, PROMPT_SEED = 7_000_001, 7_000_002, 7_000_003
JUDGED = ("garment_colour", "garment", "hair_colour", "hair", "glasses", "beard", "headwear", "jewellery")
LOOKED_AT = 32  # of the characters, the first, by which the last stage of the training was chosen: none is measured
TOGETHER = ("garment_colour", "hair_colour", "headwear")  # of the figure "all together"
FEATURES = 64
KEPT_DISTANCE = 15.0  # CIEDE2000
BATCH = 64
NEON_SHARE = 0.2
Draw = Callable[..., Image.Image]


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["judge", *BENCHMARKS])
    parser.add_argument("--model", type=Path, default=DEMO_MODEL)
    parser.add_argument("--judge", type=Path, default=FOLDER / "judge.pth")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--steps", type=int, default=30, help="of the schedule")
    parser.add_argument("--mode", help="of the scripts: handover, refine, base")
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--lora", type=Path, default=AvatarGen.LORA)
    parser.add_argument("--judge-pictures", type=int, default=14_000)
    parser.add_argument("--judge-passes", type=int, default=6)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    print(f"{describe_machine()}, {torch.get_num_threads()} threads")
    if options.what == "judge":
        make_judge(options)
        return
    script: Any = AvatarGen if options.what == "lora" else AvatarGen_Base
    options.mode = options.mode or script.MODE
    options.guidance = script.GUIDANCE if options.guidance is None else options.guidance
    print(f"model: {options.model}, {options.mode}, {options.steps} steps, guidance {options.guidance:g}")
    BENCHMARKS[options.what](options)


# ---- the judge ----


class Judge(nn.Module):
    """Tells the attributes and the style of a picture of 128 px; a few convolutions, one linear layer each."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 48, 96, 128)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
            if before > 3:
                layers += [nn.Conv2d(after, after, 3, 1, 1), nn.BatchNorm2d(after), nn.ReLU()]
        self.trunk = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16 * 128, 256), nn.ReLU())
        self.features = nn.Sequential(nn.Dropout(0.2), nn.Linear(256, FEATURES), nn.ReLU())
        self.heads = nn.ModuleDict({name: nn.Linear(256, len(CHOICES[name])) for name in JUDGED})
        self.heads["style"] = nn.Linear(256, len(STYLES))
        self.again = nn.ModuleDict({name: nn.Linear(FEATURES, len(CHOICES[name])) for name in JUDGED})

    def forward(self, values: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor]:
        """Scores, scores read from the 64 features alone, and those features, (B, 64)."""
        trunk = self.trunk(values)
        features = self.features(trunk)
        scores = {name: head(trunk) for name, head in self.heads.items()}
        return scores, {name: head(features) for name, head in self.again.items()}, features


def make_judge(options: Any) -> None:
    """Train the judge on drawn pictures and print its accuracy on others."""
    torch.manual_seed(1)
    pixels, truth = drawn_pictures(JUDGE_SEED, options.judge_pictures, options.workers)
    judge = Judge()
    steps = options.judge_passes * len(pixels) // BATCH
    optimiser = torch.optim.AdamW(judge.parameters(), 2e-3, weight_decay=0.02, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, max(2, steps))
    rng = np.random.default_rng(1)
    bar = tqdm(range(max(1, steps)), desc="judge")
    for _ in bar:
        rows = rng.integers(len(pixels), size=BATCH)
        scores, again, _ = judge.train()(varied(to_values(pixels[rows], CPU), rng))
        wanted = {name: torch.from_numpy(values[rows]) for name, values in truth.items()}
        losses = [nn.functional.cross_entropy(s, wanted[n]) for some in (scores, again) for n, s in some.items()]
        loss = torch.stack(losses).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        bar.set_postfix_str(f"loss {float(loss.detach()):.3f}")
    accuracy = own_accuracy(judge.eval(), options)
    print(accuracy)
    save_plain(options.judge, {"weights": judge.state_dict(), "accuracy": accuracy})


def own_accuracy(judge: Judge, options: Any) -> str:
    """The judge's own accuracy on drawn pictures that it has not seen, in words."""
    count = max(50, options.judge_pictures // 10)
    pixels, truth = drawn_pictures(HELD_OUT_SEED, count, options.workers)
    told = tell(judge, pixels)[0]
    right = {name: (told[name] == truth[name]).astype(float) for name in (*JUDGED, "style")}
    places = {name: truth[name] for name in ("hair", "headwear")}
    shares = {name: float(np.nanmean(values)) for name, values in of_what_is_seen(right, places).items()}
    return f"judge's own accuracy on {count} drawn pictures: {in_words(shares)}"


def of_what_is_seen(right: dict[str, np.ndarray], places: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """NaN for what a picture cannot show: the colour of no hair, and hair below a hat, headscarf or turban."""
    covered, hat = (
        np.isin(places["headwear"], [CHOICES["headwear"].index(worn) for worn in kinds]) for kinds in (COVERS, HATS)
    )
    right["hair_colour"][covered | (places["hair"] == CHOICES["hair"].index("bald"))] = np.nan
    right["hair"][covered | hat] = np.nan
    return right


def drawn_pictures(seed: int, count: int, workers: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Pictures (N, 128, 128, 3) uint8, a fifth of them in the style, and places in the values of what they show."""
    bounds = np.linspace(0, count, max(1, count // 200) + 1).astype(int)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        tasks = [pool.submit(draw_some, seed, range(a, b)) for a, b in itertools.pairwise(bounds)]
        parts = [task.result() for task in tqdm(tasks, desc="drawing", unit="chunk")]
    table = np.concatenate([rows for _, rows in parts])
    return np.concatenate([some for some, _ in parts]), {n: table[:, k] for k, n in enumerate((*JUDGED, "style"))}


def draw_some(seed: int, places: range) -> tuple[np.ndarray, np.ndarray]:
    """One process's share of the pictures."""
    pictures, rows = [], []
    for place in places:
        look, rng = character(seed, place)
        style = int(rng.random() < NEON_SHARE)
        pictures.append(draw_avatar(look, JUDGED_PX, STYLES[style])[0])
        rows.append([*(CHOICES[name].index(getattr(look, name)) for name in JUDGED), style])
    return np.stack(pictures), np.array(rows)


def varied(values: Tensor, rng: np.random.Generator) -> Tensor:
    """Moved by some px, some a little blurred, noisy, lighter or darker, so that the judge does not cling to px."""
    down, right = rng.integers(-4, 5, size=2)
    values = nn.functional.pad(values, (4, 4, 4, 4), "replicate")[..., 4 + down :, 4 + right :][
        ..., :JUDGED_PX, :JUDGED_PX
    ]
    if rng.random() < 0.4:
        values = nn.functional.avg_pool2d(nn.functional.pad(values, (1, 1, 1, 1), "replicate"), 3, 1)
    if rng.random() < 0.4:
        values = values + torch.from_numpy(rng.normal(0, 0.06, values.shape).astype(np.float32))
    return values * float(rng.uniform(0.92, 1.08)) + float(rng.uniform(-0.06, 0.06))


@torch.no_grad()
def tell(judge: Judge, pixels: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What the judge sees: places in the values of each attribute, and features (N, 64); larger pictures are shrunk."""
    times = pixels.shape[1] // JUDGED_PX
    parts = (to_values(pixels[at : at + BATCH], CPU) for at in range(0, len(pixels), BATCH))
    found = [judge(nn.functional.avg_pool2d(values, times)) for values in parts]
    told = {name: torch.cat([scores[name].argmax(1) for scores, _, _ in found]).numpy() for name in found[0][0]}
    return told, torch.cat([features for _, _, features in found]).double().numpy()


def read_judge(options: Any) -> Judge:
    """The judge that `judge` trained; its accuracy is printed again."""
    kept = load_plain(options.judge)
    print(kept["accuracy"])
    judge = Judge()
    judge.load_state_dict(kept["weights"])
    return judge.eval()


# ---- prompts and pictures ----


def prompt_of(look: Attributes, rng: np.random.Generator, weight: float = 1.0, leave_out: Sequence[str] = ()) -> str:
    """A prompt that says every judged attribute, as `generate_weighted_prompt` writes; the garment with a weight."""
    hidden = look.headwear in HATS and look.hair in HIDDEN_HAIR
    hair = ("short {} hair" if hidden else HAIRSTYLES[look.hair][0]).format(look.hair_colour)
    garment = garment_words(look.garment, look.garment_colour, rng)
    said = {
        "garment": garment if weight == 1 else f"({garment}:{weight:g})",
        "hair": "" if look.headwear in COVERS else hair,
        "glasses": "no glasses" if look.glasses == "none" else look.glasses,
        "beard": "clean-shaven" if look.beard == "none" else look.beard,
        "headwear": "no hat" if look.headwear == "none" else look.headwear,
        "jewellery": "" if look.jewellery == "none" or look.headwear in COVERS_NECK else look.jewellery,
        "skin": f"{look.skin} skin",
        "backdrop": f"{look.backdrop} background",
    }
    phrases = [words for name, words in said.items() if words and name not in leave_out]
    phrases = [phrases[place] for place in rng.permutation(len(phrases))]
    return ", ".join([str(rng.choice(OPENINGS)), look.person, *phrases, str(rng.choice(CLOSINGS))])


def looks(count: int) -> Iterator[tuple[int, Attributes, np.random.Generator]]:
    """Characters that no training has, nor any choice of its settings."""
    for number in range(LOOKED_AT, LOOKED_AT + count):
        yield number, *character(PROMPT_SEED, number)


def load(options: Any, keep: bool = True) -> tuple[Pipelines, Draw]:
    """The model, and a function that draws by it as the scripts do: prompt, seed, start, mode.

    With `keep` a picture is drawn once, and read from a file ever after.
    """
    choice = choose_model(str(options.model), AUTO, with_refiner=True)
    pipelines = load_pipelines(choice)

    def paint(prompt: str, seed: int, start: Image.Image | None = None, mode: str = options.mode) -> Image.Image:
        recipe = Recipe(mode=mode, steps=options.steps, guidance=options.guidance)  # type: ignore[arg-type]
        making = (choice.hashes, str(pipelines.device), prompt, seed, start and start.tobytes(), recipe)
        kept = FOLDER / "drawn" / f"{hashlib.sha256(repr(making).encode()).hexdigest()[:32]}.png"
        if keep and kept.is_file():
            return Image.open(kept).convert("RGB")
        picture = generate_picture(pipelines, prompt, NEGATIVE, start=start, seed=seed, recipe=recipe).image
        if keep:
            write_png(kept, picture)
        return picture

    return pipelines, paint


def stack(pictures: Sequence[Image.Image]) -> np.ndarray:
    """(N, side, side, 3) uint8."""
    return np.stack([np.asarray(picture.convert("RGB")) for picture in pictures])


def rights(judge: Judge, pixels: np.ndarray, wanted: Sequence[Attributes]) -> dict[str, np.ndarray]:
    """Which pictures show what was asked for, 1 or 0, and NaN for what cannot be seen."""
    told, _ = tell(judge, pixels)
    places = {name: np.array([CHOICES[name].index(getattr(look, name)) for look in wanted]) for name in JUDGED}
    return of_what_is_seen({name: (told[name] == places[name]).astype(float) for name in JUDGED}, places)


def styled(judge: Judge, pixels: np.ndarray) -> float:
    """Share of pictures that the judge calls neon."""
    return float((tell(judge, pixels)[0]["style"] == STYLES.index("neon")).mean())


def show(pictures: Sequence[Image.Image], labels: Sequence[str], name: str) -> None:
    """A sheet of the first pictures."""
    path = FOLDER / f"{name}.png"
    write_png(path, picture_grid(list(pictures[:48]), list(labels[:48]), 8, NATIVE_PX))
    print(f"pictures: {shown(path)}")


def in_words(shares: dict[str, float]) -> str:
    """Shares in per cent."""
    return ", ".join(f"{name} {share:.1%}" for name, share in shares.items())


# ---- the figures ----


def judge_prompts(options: Any) -> None:
    """Prompt -> picture: 90 % of each, 75 % of garment colour, hair colour and headwear together."""
    judge, (_, paint) = read_judge(options), load(options)
    wanted, pictures, prompts = [], [], []
    for number, look, rng in tqdm(looks(options.count), total=options.count):
        prompts.append(prompt_of(look, rng))
        pictures.append(paint(prompts[-1], number))
        wanted.append(look)
    pixels = stack(pictures)
    found = rights(judge, pixels, wanted)
    bald = np.isnan(found["hair_colour"])
    found["accessories, both"] = found["headwear"] * found["jewellery"]
    together = np.prod([np.where(np.isnan(found[name]), 1, found[name]) for name in TOGETHER], axis=0)
    print("right: " + in_words({name: float(np.nanmean(values)) for name, values in found.items()}))
    print(
        f"together: {in_words({' + '.join(TOGETHER): together.mean(), 'of those with hair': together[~bald].mean()})}"
    )
    print(f"called neon, which none should be: {styled(judge, pixels):.1%}")
    show(pictures, [f"{n}\n{p.partition(', ')[2]}" for n, p in enumerate(prompts, LOOKED_AT)], "prompts")


def judge_figures(options: Any) -> None:
    """As the scripts draw them: from a prompt's figure, whose colours and lines are kept, plain and by the LoRA."""
    from avatar.sdxl.lora_files import load_lora, set_lora_scale

    judge, (pipelines, _) = read_judge(options), load(options, keep=False)
    ways: list[tuple[Style, float, float]] = [
        ("plain", KEPT_STRENGTH, AvatarGen_Base.GUIDANCE),
        ("neon", RESTYLED_STRENGTH, AvatarGen.GUIDANCE),
    ]
    for style, strength, guidance in ways:
        if style == "neon":
            load_lora(pipelines, options.lora)
            set_lora_scale(pipelines, 1.0)
        recipe = Recipe(mode="base", steps=options.steps, guidance=guidance, strength=strength)
        wanted, pictures = [], []
        for number, look, rng in tqdm(looks(options.count), total=options.count):
            prompt = prompt_of(look, rng)
            figure = draw_up_figure(Features(f"person {number}", "", ""), prompt, number)
            start = figure.draw(NATIVE_PX, style)
            made = generate_picture(pipelines, prompt, NEGATIVE, start=start, seed=number, recipe=recipe)
            pictures.append(figure.keep(made.image, style))
            wanted.append(look)
        pixels = stack(pictures)
        rates = {name: float(np.nanmean(values)) for name, values in rights(judge, pixels, wanted).items()}
        print(f"{style}: called neon {styled(judge, pixels):.1%}; right: {in_words(rates)}")
        show(pictures, [look.hair for look in wanted], f"figures {style}")


def judge_starts(options: Any) -> None:
    """Image to image: skin and hair of a drawn start are kept, where the prompt names neither: 85 %."""
    from skimage.color import deltaE_ciede2000, rgb2lab

    _, paint = load(options)
    kept: dict[str, list[bool]] = {"skin": [], "hair_colour": []}
    tiles: list[Image.Image] = []
    for number, look, rng in tqdm(looks(options.count), total=options.count):
        start = replace(look, glasses="none", beard="none", headwear="none")
        start = replace(start, hair="bob") if start.hair in ("bald", "buzz cut") else start
        before = draw_avatar(start, NATIVE_PX)[0]
        dressed = replace(character(PROMPT_SEED, number + 100_000)[0], headwear="none", glasses="none", beard="none")
        after = paint(prompt_of(dressed, rng, leave_out=("hair", "skin", "beard")), number, Image.fromarray(before))
        tiles += [Image.fromarray(before), after]
        for name, results in kept.items():
            values = CHOICES[name]
            other = replace(
                start, **{name: values[(values.index(getattr(start, name)) + len(values) // 2) % len(values)]}
            )
            place = np.abs(draw_avatar(other, NATIVE_PX)[0].astype(int) - before).sum(2) > 90
            tones = [rgb2lab(np.median(picture[place], axis=0) / 255) for picture in (before, np.asarray(after))]
            results.append(float(deltaE_ciede2000(*tones)) <= KEPT_DISTANCE)
    both = float(np.mean(np.all(list(kept.values()), axis=0)))
    print("tone kept: " + in_words({name: float(np.mean(some)) for name, some in kept.items()} | {"both": both}))
    show(tiles, ["start", "drawn"] * options.count, "starts")


def judge_weights(options: Any) -> None:
    """A garment's rate at three weights: 1.5 loses no more than 2 points, 0.5 loses some."""
    judge, (_, paint) = read_judge(options), load(options)
    for weight in (0.5, 1.0, 1.5):
        wanted, pictures = [], []
        for number, look, rng in tqdm(looks(options.count), total=options.count):
            pictures.append(paint(prompt_of(look, rng, weight), number))
            wanted.append(look)
        found = rights(judge, stack(pictures), wanted)
        both = float((found["garment"] * found["garment_colour"]).mean())
        names = ("garment", "garment_colour")
        print(f"weight {weight:g}: " + in_words({n: float(found[n].mean()) for n in names} | {"both": both}))
        show(pictures, [f"{look.garment_colour} {look.garment}" for look in wanted], f"weight {weight:g}")


def judge_refiner(options: Any) -> None:
    """Gradient energy and the Frechet distance (Heusel et al. 2017, arXiv:1706.08500) in the judge's features."""
    judge, (_, paint) = read_judge(options), load(options)
    drawn = stack([Image.fromarray(draw_avatar(look, NATIVE_PX)[0]) for _, look, _ in looks(options.count)])
    others = [character(HELD_OUT_SEED, place)[0] for place in range(options.count)]
    features = tell(judge, drawn)[1]
    sets = {"other drawn pictures": stack([Image.fromarray(draw_avatar(look, NATIVE_PX)[0]) for look in others])}
    for name, mode in (("base alone", "base"), ("base and refiner", "handover")):
        rows = tqdm(looks(options.count), total=options.count, desc=name)
        sets[name] = stack([paint(prompt_of(look, rng), number, mode=mode) for number, look, rng in rows])
    energies = gradient_energy(drawn)
    low, high = np.percentile(energies, (5, 95))
    print(f"drawn: gradient energy {energies.mean():.2f}, nine in ten from {low:.2f} to {high:.2f}")
    for name, pixels in sets.items():
        distance = frechet_distance(features, tell(judge, pixels)[1])
        energies = gradient_energy(pixels)
        inside = ((energies >= low) & (energies <= high)).mean()
        print(f"{name}: gradient energy {energies.mean():.2f}, {inside:.1%} in that range; distance {distance:.3f}")
    pairs = [Image.fromarray(p) for two in zip(sets["base alone"], sets["base and refiner"], strict=True) for p in two]
    show(pairs, ["base", "refined"] * options.count, "refiner")


def gradient_energy(pixels: np.ndarray) -> np.ndarray:
    """Mean absolute difference of neighbours in grey values, 0 to 255, (N,)."""
    grey = pixels.astype(np.float32).mean(axis=3)
    return (np.abs(np.diff(grey, axis=1)).mean(axis=(1, 2)) + np.abs(np.diff(grey, axis=2)).mean(axis=(1, 2))) / 2


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Between the normal distributions of two sets of features."""
    means = first.mean(0) - second.mean(0)
    covariances = [np.cov(some, rowvar=False) for some in (first, second)]
    roots = np.linalg.eigvals(covariances[0] @ covariances[1]).real.clip(0)
    return float(means @ means + sum(np.trace(some) for some in covariances) - 2 * np.sqrt(roots).sum())


def judge_lora(options: Any) -> None:
    """The style at scales 1 and 0: 95 % and 2 %; attributes stay at 80 %."""
    from avatar.sdxl.lora_files import load_lora, set_lora_scale

    judge, (pipelines, paint) = read_judge(options), load(options, keep=False)
    print(load_lora(pipelines, options.lora).in_words())
    for scale in (1.0, 0.0):
        set_lora_scale(pipelines, scale)
        wanted, pictures = [], []
        for number, look, rng in tqdm(looks(options.count), total=options.count):
            pictures.append(paint(prompt_of(look, rng), number))
            wanted.append(look)
        pixels = stack(pictures)
        found = rights(judge, pixels, wanted)
        rates = {name: float(np.nanmean(values)) for name, values in found.items()}
        print(f"scale {scale:g}: neon {styled(judge, pixels):.1%}; right: {in_words(rates)}")
        show(pictures, [f"scale {scale:g}"] * len(pictures), f"lora {scale:g}")


def measure_time(options: Any) -> None:
    """Seconds of an avatar with cut-out at 1024 px, and the memory of this process."""
    from avatar.cutout.background_removal import remove_background
    from avatar.sdxl.upscaling import enlarge

    _, paint = load(options, keep=False)
    seconds = []
    uncut = 0
    for number, look, rng in looks(options.count):
        started = time.perf_counter()
        picture = enlarge(paint(prompt_of(look, rng), number), 1024)
        try:
            remove_background(picture)
        except UserError:
            uncut += 1
        seconds.append(time.perf_counter() - started)
    memory = peak_memory_gb(CPU)
    print(f"seconds an avatar: median {np.median(seconds):.1f}, highest {max(seconds):.1f}; {uncut} not cut out")
    print(f"memory of this process at most: {memory:.2f} GB")


def judge_diversity(options: Any) -> None:
    """One prompt, many seeds: the two pictures that are most alike, beside those of drawn pictures that it fits."""
    _, paint = load(options)
    said: dict[str, Any] = {"person": "woman", "garment": "leather jacket", "garment_colour": "red", "hair": "bob"}
    said |= {"hair_colour": "blonde", "glasses": "sunglasses"}
    said |= {"beard": "none", "headwear": "none", "jewellery": "none"}  # which are seldom drawn unsaid
    prompt = "festival portrait of one person, woman, red leather jacket, blonde bob, sunglasses"
    drawn = [replace(look, **said) for _, look, _ in looks(options.count)]
    sets = {
        "drawn": np.stack([draw_avatar(look, NATIVE_PX)[0] for look in drawn]),
        "model": stack([paint(prompt, seed) for seed in tqdm(range(options.count))]),
    }
    for name, pixels in sets.items():
        distance, pair = closest_two(pixels)
        print(f"{name}: closest two of {len(pixels)}: {distance:.2f} of 255 apart on average ({pair[0]} and {pair[1]})")
        rows = [*pair, *range(len(pixels))]
        show([Image.fromarray(pixels[row]) for row in rows], [f"{name} {row}" for row in rows], f"diverse, {name}")


def closest_two(pixels: np.ndarray) -> tuple[float, tuple[int, int]]:
    """The mean absolute difference of the two pictures that are most alike, of 255, and which they are."""
    values = torch.from_numpy(pixels.reshape(len(pixels), -1).astype(np.float32))
    distances = torch.cdist(values, values, p=1) / values.shape[1]
    distances.fill_diagonal_(float("inf"))
    row, column = divmod(int(distances.argmin()), len(pixels))
    return float(distances[row, column]), (row, column)


BENCHMARKS: dict[str, Callable[[Any], None]] = {
    "prompts": judge_prompts,
    "figures": judge_figures,
    "starts": judge_starts,
    "weights": judge_weights,
    "refiner": judge_refiner,
    "lora": judge_lora,
    "time": measure_time,
    "diverse": judge_diversity,
}

if __name__ == "__main__":
    main()
