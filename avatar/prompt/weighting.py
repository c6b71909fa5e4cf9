r"""Prompts with weights: "(leather jacket:1.3)" read, counted in tokens, and turned into SDXL's text embeddings.

The writing is that of the Stable Diffusion web interfaces: "(words:1.3)" multiplies the weight of the words, "(words)"
by 1.1, brackets nest, and a backslash makes `\(`, `\)`, `\:` and `\\` plain text. Square brackets are plain text.

A weight above 1 moves the embeddings of its words away from those of the empty prompt, z0 + w (z - z0), as ComfyUI and
the library compel do. (The older way scales all embeddings back to their former mean; with SDXL it divides by values
near zero and flips signs: AUTOMATIC1111/stable-diffusion-webui, pull request 14874.) Below 1 that alone would leave
what the other tokens have read of the words. So, as in compel, they are hidden from the encoder's attention too: at
weight w the embeddings are w parts those with the words and 1 - w parts those without, which keep only their places.
"""

import functools
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from avatar.prompt.wording import Phrase
from common.errors import UserError

if TYPE_CHECKING:
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

BRACKET_FACTOR = 1.1
HEAVIEST = 3.0  # pictures fall apart well before
MOST_CHARACTERS = 20_000
CUT_WITHIN = 25  # tokens at a chunk's end, among which a comma or else the end of a word is looked for

_SYNTAX = re.compile(r"\\([\\():])|(\()|(?::([^():\\]*))?(\))|([^\\():]+|[:\\])")


# ---- reading ----


def parse_prompt(text: str) -> list[Phrase]:
    """Read weights and brackets; the texts of the phrases, one after another, are the prompt without them.

    Neighbours of one weight are one phrase; weights are rounded to 4 decimals.

    Raises:
        UserError: a bracket without its partner, brackets with a colon that no weight follows, a weight outside
            0 to HEAVIEST, or more than MOST_CHARACTERS.
    """
    if len(text) > MOST_CHARACTERS:
        raise UserError(f"the prompt has {len(text)} characters; shorten it to {MOST_CHARACTERS}")
    pieces: list[tuple[str, float]] = []
    opened: list[tuple[int, int]] = []  # position in the text, pieces before it
    for match in _SYNTAX.finditer(text):
        escaped, opening, number, closing, plain = match.groups()
        if opening:
            opened.append((match.start(), len(pieces)))
        elif closing:
            if not opened:
                raise _fault(text, match.start(), "a bracket closes that was never opened")
            factor = BRACKET_FACTOR if number is None else _read_weight(text, match.start(), number)
            _, first = opened.pop()
            pieces[first:] = [(words, weight * factor) for words, weight in pieces[first:]]
        else:
            pieces.append((escaped or plain, 1.0))
    if opened:
        raise _fault(text, opened[-1][0], "a bracket is never closed")
    if not all(weight <= HEAVIEST for _, weight in pieces):
        raise UserError(f"prompt: nested brackets multiply to a weight above {HEAVIEST:g}, the most that is allowed")
    return _joined((words, round(weight, 4)) for words, weight in pieces)


def _read_weight(text: str, position: int, number: str) -> float:
    shown = number.strip()[:20]
    try:
        weight = float(number)
    except ValueError:
        raise _fault(text, position, f"the weight {shown!r} is not a number") from None
    if not 0 <= weight <= HEAVIEST:
        raise _fault(text, position, f"the weight {shown} is outside 0 to {HEAVIEST:g}")
    return weight


def _fault(text: str, position: int, what: str) -> UserError:
    place = " ".join(text[max(0, position - 15) : position + 15].split())
    return UserError(
        rf"prompt, character {position + 1}: {what}, at {place!r}; write (words:1.3), and \( \) \: for plain signs"
    )


def _joined(pieces: Iterable[tuple[str, float]]) -> list[Phrase]:
    groups = itertools.groupby(pieces, key=lambda piece: piece[1])
    return [Phrase("".join(words for words, _ in group), weight) for weight, group in groups]


# ---- counting ----


class _Token(NamedTuple):
    number: int
    weight: float
    cut_after: int  # how well a chunk may end behind it: 0 inside a word, 1 after a word, 2 after a comma


def tokenizers_of(pipeline: Any) -> list["CLIPTokenizer"]:
    """Both tokenizers of an SDXL base pipeline, the only one of a refiner."""
    return [tokenizer for tokenizer in (pipeline.tokenizer, pipeline.tokenizer_2) if tokenizer is not None]


def count_tokens(tokenizers: Sequence["CLIPTokenizer"], text: str) -> int:
    """Tokens of a prompt without weights and marks of start and end, by the tokenizer that makes the most of it.

    Raises:
        UserError: as `parse_prompt`.
    """
    return _count(tokenizers, parse_prompt(text))


def fit_tokens(tokenizers: Sequence["CLIPTokenizer"], text: str, most: int) -> tuple[str, list[str]]:
    """Leave out the least important words of a prompt until it has at most `most` tokens; no model runs.

    What stands between commas stays or goes as one (in overlong parts each word), the lightest first, of equal weights
    the last first.

    Returns:
        the prompt, and what was left out, in the order of the prompt; the prompt as it is where it fits.

    Raises:
        UserError: as `parse_prompt`.
    """
    phrases = parse_prompt(text)
    if _count(tokenizers, phrases) <= most:
        return text, []
    parts = _parts(tokenizers, phrases)
    sizes = [_count(tokenizers, part) for part in parts]
    excess = sum(sizes) - most
    dropped: set[int] = set()
    for index in sorted(range(len(parts)), key=lambda index: (_importance(parts[index]), -index)):
        if excess > 0:
            dropped.add(index)
            excess -= sizes[index]
    pieces = [piece for index, part in enumerate(parts) if index not in dropped for piece in part]
    kept = _joined((piece.text, piece.weight) for piece in pieces)
    end = [replace(phrase, text=phrase.text.rstrip(" ,")) for phrase in kept[-1:]]
    names = ("".join(piece.text for piece in parts[index]).strip(" ,\n") for index in sorted(dropped))
    return "".join(map(str, kept[:-1] + end)), list(filter(None, names))


def _parts(tokenizers: Sequence["CLIPTokenizer"], phrases: Sequence[Phrase]) -> list[list[Phrase]]:
    """Pieces of one weight, grouped by what is left out together: up to a comma, or word by word where that is long."""
    groups: list[list[Phrase]] = [[]]
    for phrase in phrases:
        for text in re.findall(r"[^,]*,\s*|[^,]+", phrase.text):
            groups[-1].append(replace(phrase, text=text))
            if "," in text:
                groups.append([])
    parts = []
    for group in groups:
        overlong = _count(tokenizers, group) > _chunk_size(tokenizers[0])
        words = [replace(piece, text=text) for piece in group for text in re.findall(r"\s*\S+\s*", piece.text)]
        parts += [[word] for word in words] if overlong else [group]
    return parts


def _importance(part: Sequence[Phrase]) -> float:
    return max((piece.weight for piece in part if re.search(r"\w", piece.text)), default=0.0)


def _count(tokenizers: Sequence["CLIPTokenizer"], phrases: Sequence[Phrase]) -> int:
    return max(len(_tokenize(tokenizer, phrases)) for tokenizer in tokenizers)


def _chunk_size(tokenizer: "CLIPTokenizer") -> int:
    return tokenizer.model_max_length - 2  # start and end


def _tokenize(tokenizer: "CLIPTokenizer", phrases: Sequence[Phrase]) -> list[_Token]:
    """Tokens of the joined text, so that weights do not change how words are cut into tokens."""
    text = "".join(phrase.text for phrase in phrases)
    weights = [phrase.weight for phrase in phrases for _ in phrase.text]
    found = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    spans = found["offset_mapping"]
    next_starts = [start for start, _ in spans[1:]] + [len(text) + 1]
    return [
        _Token(number, weights[start], 2 if text[end - 1] in ",.;" else int(next_start > end))
        for number, (start, end), next_start in zip(found["input_ids"], spans, next_starts, strict=False)
    ]


def _chunks(tokens: list[_Token], size: int) -> list[list[_Token]]:
    """Pieces of at most `size` tokens, at least one; they end with a comma, or else a word, that ends late enough."""
    chunks = []
    while len(tokens) > size:
        end = 1 + max(range(max(0, size - CUT_WITHIN), size), key=lambda index: (tokens[index].cut_after, index))
        chunks.append(tokens[:end])
        tokens = tokens[end:]
    return [*chunks, tokens]


# ---- embedding ----


@torch.no_grad()
def embed_prompts(pipeline: Any, prompt_text: str, negative_text: str) -> dict[str, torch.Tensor]:
    """Text embeddings with weights, for the arguments of the same names of SDXL's pipelines.

    Prompts of more than 75 tokens are encoded in chunks, each with its own marks of start and end, and the shorter of
    the two texts is filled up with empty chunks. The pooled embeddings are those of the first chunk; weights below 1
    count in them too, weights above 1 do not. Without weights and up to 75 tokens all are what the pipeline's own
    `encode_prompt` makes of the texts.

    Args:
        pipeline: any of diffusers' SDXL pipelines: a base has both text encoders, a refiner the second one alone.
        prompt_text: what the picture shall show.
        negative_text: what it shall not show; may be empty.

    Returns:
        prompt_embeds and negative_prompt_embeds, (1, 77 n, width) for n chunks, widths of the encoders added up, and
        pooled_prompt_embeds and negative_pooled_prompt_embeds, (1, width), in the dtype of the text encoders.

    Raises:
        UserError: as `parse_prompt`.
    """
    encoders = [encoder for encoder in (pipeline.text_encoder, pipeline.text_encoder_2) if encoder is not None]
    device = pipeline._execution_device  # where modules run that wait elsewhere
    stages = [_Stage(*pair, device) for pair in zip(tokenizers_of(pipeline), encoders, strict=True)]
    texts = {"": parse_prompt(prompt_text), "negative_": parse_prompt(negative_text)}
    chunks = {name: [stage.chunks(phrases) for stage in stages] for name, phrases in texts.items()}
    length = max(len(of_stage) for of_text in chunks.values() for of_stage in of_text)
    embeddings = {}
    for name, of_text in chunks.items():
        columns = []
        for stage, of_stage in zip(stages, of_text, strict=True):
            encoded = [stage.encode(chunk) for chunk in of_stage] + [stage.empty] * (length - len(of_stage))
            columns.append(torch.cat([states for states, _ in encoded], dim=1))
        embeddings[f"{name}prompt_embeds"] = torch.cat(columns, dim=-1)
        embeddings[f"{name}pooled_prompt_embeds"] = encoded[0][1]  # of the last encoder
    return embeddings


class _Stage:
    """One text encoder with its tokenizer."""

    def __init__(
        self,
        tokenizer: "CLIPTokenizer",
        encoder: "CLIPTextModel | CLIPTextModelWithProjection",
        device: torch.device,
    ) -> None:
        self.tokenizer, self.encoder, self.device = tokenizer, encoder, device

    def chunks(self, phrases: Sequence[Phrase]) -> list[list[_Token]]:
        return _chunks(_tokenize(self.tokenizer, phrases), _chunk_size(self.tokenizer))

    @functools.cached_property
    def empty(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self._run([])

    def encode(self, tokens: list[_Token]) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeddings (1, 77, width) of a chunk and, of an encoder with a projection, its pooled ones (1, width).

        The mixture goes through the weights below 1 from the least: between two of them, what weighs no more than the
        lower one is hidden. So it is linear in each weight, and words of different weights do not thin each other out.
        """
        given = [token.weight for token in tokens]
        if all(weight == 1 for weight in given):
            return self._run(tokens)
        weights = torch.ones(self.tokenizer.model_max_length, device=self.device)
        weights[1 : 1 + len(given)] = torch.tensor(given)
        empty = self.empty[0].float()
        mixed, pooled = torch.zeros(()), torch.zeros(())
        for low, high in itertools.pairwise(sorted({0.0, 1.0, *(weight for weight in given if weight < 1)})):
            hidden = weights <= torch.tensor(low)
            states, states_pooled = self._run(tokens, hidden)
            states = torch.where(hidden[:, None], empty, states.float())
            mixed, pooled = mixed + (high - low) * states, pooled + (high - low) * states_pooled.float()
        mixed += (weights.clamp(min=1) - 1)[:, None] * (mixed - empty)
        return mixed.to(self.encoder.dtype), pooled.to(self.encoder.dtype)

    def _run(self, tokens: list[_Token], hidden: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        names = self.tokenizer
        numbers = [names.bos_token_id, *(token.number for token in tokens), names.eos_token_id]
        numbers += [names.pad_token_id] * (names.model_max_length - len(numbers))
        mask = None if hidden is None or not hidden.any() else (~hidden).long()[None]
        output = self.encoder(torch.tensor([numbers], device=self.device), mask, output_hidden_states=True)
        return output.hidden_states[-2], output[0]  # the last layer but one, as SDXL was trained
