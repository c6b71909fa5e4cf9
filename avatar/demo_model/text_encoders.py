"""Stage "text" of the demo model: a tokenizer of our captions, and text encoders that understand what they say.

Pictures are drawn from attributes, so the encoders can learn without pictures: a linear layer on the pooled embedding
of each predicts all attributes of the captioned picture. Attributes that a caption leaves out are predicted from the
prior, so the empty prompt embeds to the average of the data. The encoders are frozen in the stages "base" and
"refiner", and may learn once more in the stage "prompt"; then the linear layers are dropped.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from avatar.demo_model.drawn_pictures import CAPTIONS, UNSEEN, DrawnPictures, negative_texts
from avatar.demo_model.networks import POOLED_WIDTH, TEXT_WIDTH, text_encoders
from avatar.demo_model.stages import History, StageTask
from avatar.demo_model.tokenizer import END, PAD_2, count_words, encode_texts, learn_merges
from avatar.drawing.attributes import CHOICES
from avatar.drawing.wordings import EVERY_ACCESSORY, EVERY_GARMENT
from avatar.prompt.wording import CLOSINGS, NEGATIVE, OPENINGS

COUNTED = 2000  # pictures whose captions define the vocabulary
NEGATIVES = 64  # number of negative texts
EMPTY_SHARE = 0.1  # share of the samples of a step whose caption is replaced by a negative text
SAID = ("garment", "garment_colour", "hair_colour", "glasses", "headwear")  # attributes that nearly all captions name


def learn_vocabulary(pictures: DrawnPictures) -> list[tuple[str, str]]:
    """Learn the tokenizer's merges from captions and all other wordings of prompts."""
    worn = [*(garment.wordings for garment in EVERY_GARMENT), *(accessory.wordings for accessory in EVERY_ACCESSORY)]
    wordings = [words.replace("{colour}", "") for some in worn for words in some]
    captions = [words for some in pictures.captions[:COUNTED] for words in some]
    texts = (*captions, *wordings, *UNSEEN, *OPENINGS, *CLOSINGS, NEGATIVE)
    return learn_merges(count_words(texts))


@dataclass(frozen=True, kw_only=True)
class CaptionTokens:
    """Captions as token numbers of the first tokenizer.

    Attributes:
        captions: (N, CAPTIONS, 77) captions of all pictures.
        negatives: (M, 77) negative texts, the empty text first.
        end: number of the end token.
        pad_2: number of the padding token of the second tokenizer.
    """

    captions: np.ndarray
    negatives: np.ndarray
    end: int
    pad_2: int

    def of_step(self, rows: list[int], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """One caption of each picture, some replaced by a negative text, (B, 77); and which ones, (B,) bool."""
        chosen = self.captions[rows, rng.integers(CAPTIONS, size=len(rows))].astype(np.int64)
        empty = rng.random(len(rows)) < EMPTY_SHARE
        places = rng.integers(len(self.negatives), size=len(rows)) * (rng.random(len(rows)) < 0.6)
        chosen[empty] = self.negatives[places[empty]]
        return torch.from_numpy(chosen), torch.from_numpy(empty)

    def for_second(self, numbers: Tensor) -> Tensor:
        """The same texts as token numbers of the second tokenizer, which pads otherwise."""
        is_end = (numbers == self.end).long()
        return numbers.masked_fill(is_end.cumsum(1) - is_end > 0, self.pad_2)


def tokenize_captions(tokenizer: Any, pictures: DrawnPictures, seed: int) -> CaptionTokens:
    """Tokenize the captions of all pictures, and negative texts of this seed."""
    flat = [words for some in pictures.captions for words in some]
    numbers = np.concatenate([encode_texts(tokenizer, flat[at : at + 4096]) for at in range(0, len(flat), 4096)])
    return CaptionTokens(
        captions=numbers.astype(np.int16).reshape(pictures.count, CAPTIONS, -1),
        negatives=encode_texts(tokenizer, negative_texts(NEGATIVES, seed)),
        end=int(tokenizer.convert_tokens_to_ids(END)),
        pad_2=int(tokenizer.convert_tokens_to_ids(PAD_2)),
    )


class AttributeClassifier(nn.Module):
    """Both text encoders, each with a linear layer that predicts attributes from its pooled embedding.

    Args:
        vocabulary: number of tokens.
    """

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.encoders = text_encoders(vocabulary)
        self.sizes = [len(values) for values in CHOICES.values()]
        self.heads = nn.ModuleList([nn.Linear(width, sum(self.sizes)) for width in (TEXT_WIDTH, POOLED_WIDTH)])

    def forward(self, numbers: Tensor, numbers_2: Tensor) -> list[tuple[Tensor, ...]]:
        """Logits of the values of each attribute, [(B, values), ...], by each encoder."""
        pooled = (self.encoders[0](numbers).pooler_output, self.encoders[1](numbers_2).text_embeds)
        return [head(values).split(self.sizes, dim=1) for head, values in zip(self.heads, pooled, strict=True)]


@dataclass(frozen=True, kw_only=True)
class TextTask(StageTask):
    """Prediction of attributes from captions, measured by the share of those in SAID that are right.

    Attributes:
        tokens: captions of the pictures.
    """

    measured: ClassVar[str] = "held-out attributes right, %"
    tokens: CaptionTokens

    def losses(self, network: nn.Module, batch: int) -> dict[str, Tensor]:
        """Cross-entropy of the attributes by each encoder in step number `batch`."""
        rows = self.rows_of_step(batch, self.settings.batch)
        numbers, _ = self.tokens.of_step(rows, self.numbers_of_step(batch))
        longest = int((numbers == self.tokens.end).long().argmax(1).max()) + 1
        scores = self._scores(network, numbers[:, :longest])  # attention is causal: no token depends on the padding
        truth = torch.from_numpy(self.pictures.attributes[rows]).to(self.device)
        parts = {}
        for name, of_encoder in zip(("first encoder", "second encoder"), scores, strict=True):
            each = [nn.functional.cross_entropy(s.float(), truth[:, place]) for place, s in enumerate(of_encoder)]
            parts[name] = torch.stack(each).mean()
        return parts

    def measure(self, network: nn.Module, history: History) -> dict[str, float]:
        """Percentage of the attributes in SAID that the second encoder predicts rightly from held-out captions."""
        rows = self.pictures.rows_held_out()
        scores = self._scores(network, torch.from_numpy(self.tokens.captions[rows, 0].astype(np.int64)))[1]
        places = [list(CHOICES).index(name) for name in SAID]
        truth = torch.from_numpy(self.pictures.attributes[rows])
        right = [scores[place].argmax(1).cpu() == truth[:, place] for place in places]
        return {self.measured: 100 * float(torch.stack(right).float().mean())}

    def _scores(self, network: nn.Module, numbers: Tensor) -> list[tuple[Tensor, ...]]:
        found: list[tuple[Tensor, ...]] = network(
            numbers.to(self.device), self.tokens.for_second(numbers).to(self.device)
        )
        return found


def embed(
    networks: Any, tokens: CaptionTokens, numbers: Tensor, *, both: bool, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Embed texts as the pipelines do: (B, 77, width) for the UNet's attention, and pooled, (B, POOLED_WIDTH).

    Args:
        networks: `avatar.demo_model.networks.SdxlNetworks` with text encoders on the device.
        tokens: tokens of the tokenizer.
        numbers: (B, 77) token numbers of the first tokenizer.
        both: use the first encoder too, as the base does.
        device: device of the encoders.
    """
    second = networks.text_encoder_2(tokens.for_second(numbers).to(device), output_hidden_states=True)
    states = [second.hidden_states[-2]]
    if both:
        states.insert(0, networks.text_encoder(numbers.to(device), output_hidden_states=True).hidden_states[-2])
    return torch.cat(states, dim=-1), second[0]
