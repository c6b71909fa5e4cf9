"""Train the classifiers of appearance: labelled portraits in, ONNX files out."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath

import cv2
import numpy as np
import torch
from tqdm import tqdm

from avatar.appearance_training.classifiers import (
    ColourClassifier,
    LinearClassifier,
    SkinClassifier,
    convolutional_classifier,
    example_weights,
    fit_colours,
    fit_linear,
    set_loss,
    shifted,
    write_onnx,
)
from avatar.appearance_training.examples import Portrait, darken_skin, look_at, portrait_of, relight, vary
from avatar.person.colour_measures import measure_colours
from avatar.person.face_detector import FaceDetector
from avatar.person.head_view import HeadView, HeadViewer
from avatar.person.trait_classifiers import CLASSIFIERS, CROPS, HeadCrop, layer_input
from common.errors import UserError, raise_faults
from common.files import read_plain
from common.images import read_image

COLUMNS = {"skin": "skin_tone"}  # names in the table that differ from the traits'
LINEAR = {"glasses": 1e-2, "facial_hair": 1e-1, "headwear": 1e-2, "hair_length": 1e-2}  # L2 penalties
COLOURS = {"skin_tone": (SkinClassifier, 0.5, 0.2), "hair_colour": (ColourClassifier, 0.3, 0.4)}  # rarity and noise
RARE = 4  # times as many variations of people who wear headwear or facial hair
LIGHTS = 4  # in which the colours of each head are measured
DARKENED = 0.5  # share of people with light skin whose skin is darkened for `skin_tone`
STORED = 1.2  # sides of the pictures from which `shifted` cuts, over those that it gives
MARGIN = 0.0965  # on each side, over the crop's side
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
    people = read_people(table, pictures)
    viewer = HeadViewer()
    examples, coloured = [], []
    for portrait, view in tqdm(people, desc="examples", unit="person"):
        examples.append(example_of(view, portrait.labels))
        for number in range(variations * (RARE if is_rare(portrait.labels) else 1)):
            varied = vary(portrait, rng, painted=number % 3 > 0)
            examples.append(example_of(look_at(varied, viewer, rng), varied.labels))
        coloured += relit(portrait, view, rng)
    for trait, (kind, rarity, noise) in COLOURS.items():
        known, accepted = known_of(coloured, trait)
        statistics = torch.from_numpy(np.stack([example.inputs["colours"] for example in known]))
        network = kind(statistics, accepted.shape[1])
        fit_colours(network, statistics, accepted, rarity, noise)
        write_onnx(network, (1, statistics.shape[1]), output / f"{trait}.onnx")
    for name, decay in LINEAR.items():
        known, accepted = known_of(examples, name)
        values = torch.from_numpy(np.stack([example.inputs[name] for example in known]))
        linear = LinearClassifier(values, accepted.shape[1])
        fit_linear(linear, values, accepted, decay)
        write_onnx(linear, (1, values.shape[1]), output / f"{name}.onnx")
    for name in CROPS:
        fit_crop(name, examples, output, steps, seed)
    return len(examples)


def read_people(table: Path, pictures: Path) -> list[tuple[Portrait, HeadView]]:
    """Every face of the table that is found.

    Raises:
        UserError: the table is missing or damaged, a picture cannot be read, or none shows a face.
    """
    rows = read_labels(table)
    detector, viewer, found = FaceDetector(), HeadViewer(), []
    for name, number, labels in tqdm(rows, desc="people", unit="person"):
        photo = read_image(pictures / name, "RGB")
        faces = detector.find_faces(photo)
        if number < len(faces):
            view = viewer.look(np.asarray(photo), faces[number].box)
            found.append((portrait_of(view, labels), view))
    if not found:
        raise UserError(f"{pictures}: no picture of {table} shows a face")
    return found


def read_labels(table: Path) -> list[tuple[str, int, dict[str, str]]]:
    """Name of the picture, number of the face in it, and labels by trait of every row.

    Raises:
        UserError: the table is missing or no CSV in UTF-8; or lists all rows that are faulty.
    """
    if not table.is_file():
        raise UserError(f"{table}: no such table of labels")
    rows, faults = [], []
    try:
        reader = csv.DictReader(io.StringIO(read_plain(table), newline=""))
        lacking = {"file", "face"} - set(reader.fieldnames or ())
        if lacking:
            raise UserError(f"{table}: lacks the column {' and '.join(sorted(lacking))}")
        for row in reader:
            if fault := _fault_of(row):
                faults.append(f"line {reader.line_num}: {fault}")
            else:
                name, number = row.pop("file"), int(row.pop("face"))
                rows.append((name, number, {COLUMNS.get(trait, trait): words for trait, words in row.items() if words}))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{table}: is not a CSV table in UTF-8 ({error})") from error
    raise_faults(str(table), faults)
    return rows


def _fault_of(row: Mapping[str | None, object]) -> str:
    """What is wrong with a row of `csv.DictReader`; empty if nothing is."""
    name, number = row["file"], row["face"]
    if None in row or None in row.values():
        return "has another number of cells than the first line"
    path = PureWindowsPath(str(name))  # which takes both kinds of slashes, and drives
    if not name or path.anchor or ".." in path.parts:
        return f"file is {name!r}; it must be in the folder of the pictures"
    if not re.fullmatch("[0-9]{1,6}", str(number)):
        return f"face is {number!r}; it must be a whole number, 0 for the first face"
    return ""


def is_rare(labels: Mapping[str, str]) -> bool:
    """Whether somebody wears headwear or facial hair."""
    return any("none" not in labels.get(trait, "none").split("|") for trait in ("headwear", "facial_hair"))


def example_of(view: HeadView, labels: Mapping[str, str]) -> Example:
    """What is read of a view."""
    inputs = {
        "glasses": layer_input(view.face_layer),
        "facial_hair": layer_input(view.face_layer),
        "headwear": layer_input(view.head_layer, view.selfie_layer),
        "hair_length": layer_input(view.selfie_layer),
    }
    for name, crop in CROPS.items():
        inputs[name] = _with_margin(view, crop)
    return Example(dict(labels), inputs)


def _with_margin(view: HeadView, crop: HeadCrop) -> np.ndarray:
    """(STORED * H, STORED * W, 3) uint8 around a crop, with room for `shifted`."""
    left, top, right, bottom = crop.box
    across, down = (round(side * MARGIN) for side in (right - left, bottom - top))
    wider = cv2.copyMakeBorder(crop.of(view), down, down, across, across, cv2.BORDER_REPLICATE)
    wider = wider[top : bottom + 2 * down, left : right + 2 * across]
    width, height = (round(STORED * side) for side in crop.size)
    return cv2.resize(wider, (width, height), interpolation=cv2.INTER_AREA)


def relit(portrait: Portrait, view: HeadView, rng: np.random.Generator) -> list[Example]:
    """The colours of a head in LIGHTS lights, more where its skin is rare; of some with darker skin as well."""
    words = dict(portrait.labels)
    is_light = words.get("skin_tone") == "light"
    views = [view]
    for _ in range(LIGHTS * (1 if is_light else 2) - 1):
        views.append(replace(view, pixels=relight(view.pixels, rng, grey=0)))
    examples = [Example(words, {"colours": measure_colours(lit).statistics}) for lit in views]
    if is_light and rng.random() < DARKENED:
        size = view.pixels.shape[1::-1]
        darker = cv2.resize(darken_skin(portrait.canvas, portrait.points, portrait.matte, rng), size)
        statistics = measure_colours(replace(view, pixels=relight(darker, rng, grey=0))).statistics
        examples.append(Example({"skin_tone": "dark|medium"}, {"colours": statistics}))
    return examples


def known_of(examples: Sequence[Example], trait: str) -> tuple[list[Example], torch.Tensor]:
    """Examples whose trait can be told, and their accepted words, (n, words) float32 of 0 and 1."""
    words = CLASSIFIERS[trait][trait]
    known = [example for example in examples if trait in example.labels]
    return known, accepted_of(known, trait, words)


def accepted_of(examples: Sequence[Example], trait: str, words: Sequence[str]) -> torch.Tensor:
    """(n, words) float32, 1 where a word is accepted; rows of zeros where the trait cannot be told."""
    accepted = torch.zeros(len(examples), len(words))
    for row, example in enumerate(examples):
        for word in example.labels.get(trait, "").split("|"):
            if word in words:
                accepted[row, words.index(word)] = 1
    return accepted


def fit_crop(name: str, examples: Sequence[Example], output: Path, steps: int, seed: int) -> None:
    """Fit a convolutional classifier of all its traits."""
    traits, size = CLASSIFIERS[name], CROPS[name].size
    pictures = torch.from_numpy(np.stack([example.inputs[name].transpose(2, 0, 1) for example in examples]))
    goals = [accepted_of(examples, trait, words) for trait, words in traits.items()]
    weights = torch.zeros(len(goals), len(examples))
    for row, accepted in enumerate(goals):
        told = accepted.any(dim=1)
        weights[row, told] = example_weights(accepted[told], 0.5)
    network = convolutional_classifier(size, sum(map(len, traits.values())))
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.001, steps)
    rng = torch.Generator().manual_seed(seed)
    for _ in tqdm(range(steps), desc=name, unit="step"):
        chosen = torch.randint(len(pictures), (BATCH,), generator=rng)
        odds = network(shifted(pictures[chosen], size, SHOWN, rng)).split([len(w) for w in traits.values()], dim=1)
        losses = [
            (set_loss(part, accepted[chosen]) * weight[chosen]).mean()
            for part, accepted, weight in zip(odds, goals, weights, strict=True)
        ]
        optimizer.zero_grad()
        torch.stack(losses).sum().backward()
        optimizer.step()
        schedule.step()
    write_onnx(network, (1, 3, size[1], size[0]), output / f"{name}.onnx")
