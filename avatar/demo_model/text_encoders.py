"""First stage of the demo model: a tokenizer of our captions, and text encoders that tell what a caption says.

The pictures are drawn from attributes, so the encoders need no images to learn from: a linear layer on the pooled
embedding of each names all attributes of the picture that a caption is of. What a caption leaves out, it guesses, by
which the embedding of nothing said is that of all pictures together. The encoders rest while the base learns, and learn
once more in its stage "prompt"; then the layers are dropped.
"""

from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from avatar.demo_model.examples import CAPTIONS, UNSEEN, DrawnPictures, negative_texts
from avatar.demo_model.networks import POOLED_WIDTH, TEXT_WIDTH, text_encoders
from avatar.demo_model.stages import Stage, StageSettings, in_mixed_precision, numbers_of_step
from avatar.demo_model.tokenizer import END, PAD_2, count_words, encode_texts, learn_merges
from avatar.drawing.attributes import CHOICES
from avatar.lora_training.training import places_of_step
from avatar.prompt.genre_outfits import ACCESSORIES, GARMENTS, NEUTRAL_ACCESSORIES, NEUTRAL_GARMENT
from avatar.prompt.wording import CLOSINGS, NEGATIVE, OPENINGS

COUNTED = 2000  # pictures whose captions make the vocabulary
NEGATIVES = 64
EMPTY_SHARE = 0.1  # of the samples of a step that get the empty text or a negative one
SAID = ("garment", "garment_colour", "hair_colour", "glasses", "headwear")  # that nearly all captions say


def learn_vocabulary(pictures: DrawnPictures) -> list[tuple[str, str]]:
    """The tokenizer's merges from captions, and from all else that prompts say."""
    worn = [garment.wordings for garment in (*GARMENTS.values(), NEUTRAL_GARMENT)]
    worn += [accessory.wordings for accessory in (*chain(*ACCESSORIES.values()), *NEUTRAL_ACCESSORIES)]
    wordings = [words.replace("{colour}", "") for some in worn for words in some]
    captions = [words for some in pictures.captions[:COUNTED] for words in some]
    texts = (*captions, *wordings, *UNSEEN, *OPENINGS, *CLOSINGS, NEGATIVE)
    return learn_merges(count_words(texts))


@dataclass(frozen=True)
class Tokens:
    """Captions as the first tokenizer's numbers.

    Attributes:
        captions: (N, CAPTIONS, 77) of all pictures.
        negatives: (M, 77), the empty text first.
        end: number of the mark of the end.
        pad_2: number by which the second tokenizer fills up.
    """

    captions: np.ndarray
    negatives: np.ndarray
    end: int
    pad_2: int

    def of_step(self, rows: list[int], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """One wording of each picture, some of them replaced by a negative text: (B, 77), and which, (B,)."""
        chosen = self.captions[rows, rng.integers(CAPTIONS, size=len(rows))].astype(np.int64)
        empty = rng.random(len(rows)) < EMPTY_SHARE
        places = rng.integers(len(self.negatives), size=len(rows)) * (rng.random(len(rows)) < 0.6)
        chosen[empty] = self.negatives[places[empty]]
        return torch.from_numpy(chosen), torch.from_numpy(empty)

    def for_second(self, numbers: Tensor) -> Tensor:
        """The same texts as the second tokenizer gives them: filled up otherwise."""
        is_end = (numbers == self.end).long()
        return numbers.masked_fill(is_end.cumsum(1) - is_end > 0, self.pad_2)


def read_tokens(tokenizer: Any, pictures: DrawnPictures, seed: int) -> Tokens:
    """All captions in tokens."""
    flat = [words for some in pictures.captions for words in some]
    numbers = np.concatenate([encode_texts(tokenizer, flat[at : at + 4096]) for at in range(0, len(flat), 4096)])
    negatives = encode_texts(tokenizer, negative_texts(NEGATIVES, seed))
    end, pad_2 = (int(tokenizer.convert_tokens_to_ids(token)) for token in (END, PAD_2))
    return Tokens(numbers.astype(np.int16).reshape(pictures.count, CAPTIONS, -1), negatives, end, pad_2)


class TextLearner(nn.Module):
    """Both text encoders, each with a linear layer that names attributes.

    Args:
        vocabulary: of the tokenizer.
    """

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.encoders = text_encoders(vocabulary)
        sizes = [len(values) for values in CHOICES.values()]
        self.heads = nn.ModuleList([nn.Linear(width, sum(sizes)) for width in (TEXT_WIDTH, POOLED_WIDTH)])
        self.sizes = sizes

    def forward(self, numbers: Tensor, numbers_2: Tensor) -> list[tuple[Tensor, ...]]:
        """Scores of the values of each attribute, [(B, values), ...], by each encoder."""
        pooled = (self.encoders[0](numbers).pooler_output, self.encoders[1](numbers_2).text_embeds)
        return [head(values).split(self.sizes, dim=1) for head, values in zip(self.heads, pooled, strict=True)]


@dataclass(frozen=True)
class TextTask:
    """What the text encoders learn, and how they are measured.

    Attributes:
        attributes: (N, attributes) of all pictures, as places in CHOICES.
    """

    settings: StageSettings
    pictures: DrawnPictures
    tokens: Tokens
    attributes: Tensor
    device: torch.device

    def losses(self, network: nn.Module, step: int) -> dict[str, Tensor]:
        """Cross-entropy of the attributes, by each encoder."""
        rng = numbers_of_step(self.settings, step)
        rows = places_of_step(self.pictures.trained, self.settings.batch, self.settings.seed, step, 0, 1)
        numbers, _ = self.tokens.of_step(rows, rng)
        longest = int((numbers == self.tokens.end).long().argmax(1).max()) + 1
        with in_mixed_precision(self.device):
            scores = self._scores(network, numbers[:, :longest])  # causal: the rest is unseen
        truth = self.attributes[rows].to(self.device)
        parts = {}
        for name, of_encoder in zip(("first encoder", "second encoder"), scores, strict=True):
            each = [nn.functional.cross_entropy(s.float(), truth[:, place]) for place, s in enumerate(of_encoder)]
            parts[name] = torch.stack(each).mean()
        return parts

    def measure(self, network: nn.Module) -> float:
        """Percentage of the attributes of SAID that the second encoder tells rightly of held-out captions."""
        rows = self.pictures.rows_held_out()
        scores = self._scores(network, torch.from_numpy(self.tokens.captions[rows, 0].astype(np.int64)))[1]
        places = [list(CHOICES).index(name) for name in SAID]
        right = [scores[place].argmax(1).cpu() == self.attributes[rows, place] for place in places]
        return 100 * float(torch.stack(right).float().mean())

    def _scores(self, network: nn.Module, numbers: Tensor) -> list[tuple[Tensor, ...]]:
        found: list[tuple[Tensor, ...]] = network(
            numbers.to(self.device), self.tokens.for_second(numbers).to(self.device)
        )
        return found


def text_stage(task: TextTask, vocabulary: int) -> Stage:
    """The stage that trains the text encoders; its figure is the share of attributes of SAID that are told rightly."""
    torch.manual_seed(task.settings.seed)
    learner = TextLearner(vocabulary).to(task.device)
    return Stage(task.settings, learner, task.losses, task.measure, "held-out attributes told, %", None)


def embed(parts: Any, tokens: Tokens, numbers: Tensor, both: bool, device: torch.device) -> tuple[Tensor, Tensor]:
    """What a UNet reads of texts, as the pipelines make it: (B, 77, widths), and pooled ones (B, POOLED_WIDTH).

    Args:
        parts: `avatar.demo_model.networks.Parts` with text encoders on the device.
        tokens: of the tokenizer.
        numbers: (B, 77) of the first tokenizer.
        both: whether the first encoder is read too, as the base does.
        device: of the encoders.
    """
    second = parts.text_encoder_2(tokens.for_second(numbers).to(device), output_hidden_states=True)
    states = [second.hidden_states[-2]]
    if both:
        states.insert(0, parts.text_encoder(numbers.to(device), output_hidden_states=True).hidden_states[-2])
    return torch.cat(states, dim=-1), second[0]
