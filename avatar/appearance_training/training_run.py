"""Train the classifiers of appearance: labelled portraits in, ONNX files out."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional
from tqdm import tqdm

from avatar.appearance_training.classifiers import (
    HairClassifier,
    LinearClassifier,
    SkinClassifier,
    convolutional_classifier,
    fit_linear,
    shifted,
    write_onnx,
)
from avatar.appearance_training.examples import Portrait, look_at, portrait_of, relight, vary
from avatar.person.colour_measures import measure_colours
from avatar.person.face_detector import FaceDetector
from avatar.person.head_view import HeadView, HeadViewer
from avatar.person.trait_classifiers import CLASSIFIERS, FACE_CROP, FACE_PX, layer_input
from common.errors import UserError
from common.images import read_image

COLUMNS = {"skin": "skin_tone"}  # names in the table that differ from the traits'
LINEAR = {"glasses": 1e-2, "facial_hair": 1e-2, "headwear": 1e-2, "hair_length": 2e-3}  # L2 penalties
COLOURS = {"skin_tone": (SkinClassifier, 0.7), "hair_colour": (HairClassifier, 0.5)}  # and how much rare words weigh
STORED_PX = 96  # side of the squares from which `shifted` cuts
SHOWN = (0.76, 0.92)  # share of their side that it keeps
BATCH = 48
LEARNING_RATE = 3e-3


@dataclass(frozen=True, eq=False)
class Example:
    """What the classifiers read of one picture, and its labels."""

    labels: dict[str, str]
    inputs: dict[str, np.ndarray]


def train(*, table: Path, pictures: Path, output: Path, variations: int, steps: int, seed: int) -> int:
    """Make examples, fit every classifier and write it; the number of examples.

    Raises:
        UserError: the table or a picture is missing, or no picture shows a face.
    """
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    portraits = read_portraits(table, pictures)
    viewer = HeadViewer()
    examples, coloured = [], []
    for portrait, view in tqdm(portraits, desc="examples", unit="portrait"):
        examples.append(example_of(view, portrait.labels))
        for number in range(variations):
            varied = vary(portrait, rng, painted=number % 3 > 0)
            examples.append(example_of(look_at(varied, viewer, rng), varied.labels))
        coloured += relit(view, portrait.labels, rng)
    for trait in COLOURS:
        fit_colours(trait, coloured, output)
    for name in LINEAR:
        fit_layers(name, examples, output)
    fit_face(examples, output, steps, seed)
    return len(examples)


def read_portraits(table: Path, pictures: Path) -> list[tuple[Portrait, HeadView]]:
    """Every portrait of the table in which a face is found; the largest one counts."""
    if not table.is_file():
        raise UserError(f"{table}: no such table of labels")
    with open(table, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    detector, viewer, found = FaceDetector(), HeadViewer(), []
    for row in tqdm(rows, desc="portraits", unit="portrait"):
        photo = read_image(pictures / row.pop("file"), "RGB")
        faces = detector.find_faces(photo)
        if faces:
            box = max((face.box for face in faces), key=lambda box: box[2] - box[0])
            view = viewer.look(np.asarray(photo), box)
            labels = {COLUMNS.get(name, name): value for name, value in row.items() if value}
            found.append((portrait_of(view, labels), view))
    if not found:
        raise UserError(f"{pictures}: no picture of {table} shows a face")
    return found


def example_of(view: HeadView, labels: Mapping[str, str]) -> Example:
    """What is read of a view."""
    first, last = FACE_CROP
    margin = round((last - first) * 0.0965)  # room for `shifted`
    face = view.pixels[first - margin : last + margin, first - margin : last + margin]
    inputs = {
        "face": cv2.resize(face, (STORED_PX, STORED_PX), interpolation=cv2.INTER_AREA),
        "glasses": layer_input(view.face_layer),
        "facial_hair": layer_input(view.face_layer),
        "headwear": layer_input(view.head_layer, view.selfie_layer),
        "hair_length": layer_input(view.selfie_layer),
    }
    return Example(dict(labels), inputs)


def relit(view: HeadView, labels: Mapping[str, str], rng: np.random.Generator) -> list[Example]:
    """The colours of a head in four lights; eight where its skin is rare among the portraits."""
    words = dict(labels)
    views = [view]
    for _ in range(3 if words.get("skin_tone") == "light" else 7):
        views.append(replace(view, pixels=relight(view.pixels, rng, grey=0)))
    return [Example(words, {"colours": measure_colours(lit).statistics}) for lit in views]


def fit_colours(trait: str, examples: Sequence[Example], output: Path) -> None:
    """Fit skin tone or hair colour."""
    words = CLASSIFIERS[trait][trait]
    known = [example for example in examples if trait in example.labels]
    values = torch.from_numpy(np.stack([example.inputs["colours"] for example in known]))
    kind, rarity = COLOURS[trait]
    network = kind(values, len(words))
    fit_linear(network, values, _shares(known, trait, words), rarity, 1e-2)
    write_onnx(network, (1, values.shape[1]), output / f"{trait}.onnx")


def fit_layers(name: str, examples: Sequence[Example], output: Path) -> None:
    """Fit a trait by the inner layers of the face mesh and the selfie model."""
    words = CLASSIFIERS[name][name]
    known = [example for example in examples if name in example.labels]
    values = torch.from_numpy(np.stack([example.inputs[name] for example in known]))
    network = LinearClassifier(values, len(words))
    fit_linear(network, values, _shares(known, name, words), 0.5, LINEAR[name])
    write_onnx(network, (1, values.shape[1]), output / f"{name}.onnx")


def fit_face(examples: Sequence[Example], output: Path, steps: int, seed: int) -> None:
    """Fit the convolutional classifier of glasses and facial hair."""
    traits = CLASSIFIERS["face"]
    pictures = torch.from_numpy(np.stack([example.inputs["face"].transpose(2, 0, 1) for example in examples]))
    goals = {
        trait: torch.tensor([words.index(e.labels[trait]) if trait in e.labels else -1 for e in examples])
        for trait, words in traits.items()
    }
    network = convolutional_classifier(FACE_PX, sum(map(len, traits.values())))
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / (steps + 1))
    rng = torch.Generator().manual_seed(seed)
    for _ in tqdm(range(steps), desc="face", unit="step"):
        chosen = torch.randint(len(pictures), (BATCH,), generator=rng)
        odds = network(shifted(pictures[chosen], FACE_PX, SHOWN, rng))
        loss, first = torch.zeros(()), 0
        for trait, words in traits.items():
            part = odds[:, first : first + len(words)]
            weight = _word_weights(goals[trait], len(words))
            loss = loss + functional.cross_entropy(
                part, goals[trait][chosen], weight=weight, ignore_index=-1, label_smoothing=0.03
            )
            first += len(words)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    write_onnx(network, (1, 3, FACE_PX, FACE_PX), output / "face.onnx")


def _word_weights(goals: torch.Tensor, words: int) -> torch.Tensor:
    """(words,) rare ones weigh more; mean 1."""
    weights = torch.bincount(goals[goals >= 0], minlength=words).clamp(min=1) ** -0.5
    return weights / weights.mean()


def _shares(examples: Sequence[Example], trait: str, words: Sequence[str]) -> torch.Tensor:
    """(n, words): accepted words share each example."""
    shares = torch.zeros(len(examples), len(words))
    for row, example in enumerate(examples):
        accepted = example.labels[trait].split("|")
        for word in accepted:
            shares[row, words.index(word)] = 1 / len(accepted)
    return shares
