"""Counts a prompt's CLIP tokens, shortens prompts, and splits long ones into chunks."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from avatar.prompt.syntax import Phrase, join_pieces, parse_prompt, parts_between_breaks

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

CUT_WITHIN = 25  # last tokens of a chunk, among which a comma or else the end of a word is looked for


class Token(NamedTuple):
    """A token: its number in the vocabulary, its weight, and how well a chunk can end after it."""

    number: int
    weight: float
    cut_after: int  # 0: inside a word, 1: after a word, 2: after a comma


def tokenizers_of(pipeline: Any) -> list["CLIPTokenizer"]:
    """Both tokenizers of an SDXL base pipeline, or the only one of a refiner."""
    return [tokenizer for tokenizer in (pipeline.tokenizer, pipeline.tokenizer_2) if tokenizer is not None]


def count_tokens(tokenizers: Sequence["CLIPTokenizer"], text: str) -> int:
    """Count the tokens of a prompt, without start and end marks; the largest count of all tokenizers.

    Raises:
        UserError: the prompt has invalid syntax.
    """
    return _count(tokenizers, parse_prompt(text))


def fit_tokens(tokenizers: Sequence["CLIPTokenizer"], text: str, most: int) -> tuple[str, list[str]]:
    """Drop the least important words of a prompt until it has at most `most` tokens; no model runs.

    The text between two commas is kept or dropped as a whole (word by word if it is longer than a chunk), lowest weight
    first, later ones first among equal weights.

    Returns:
        The prompt, unchanged if it fits, and what was dropped, in the order of the prompt.

    Raises:
        UserError: the prompt has invalid syntax.
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
    kept = join_pieces((None if piece.is_break else piece.text, piece.weight) for piece in pieces)
    end = [replace(phrase, text=phrase.text.rstrip(" ,")) for phrase in kept[-1:]]
    names = ("".join(piece.text for piece in parts[index]).strip(" ,\n") for index in sorted(dropped))
    return "".join(map(str, kept[:-1] + end)), list(filter(None, names))


def _parts(tokenizers: Sequence["CLIPTokenizer"], phrases: Sequence[Phrase]) -> list[list[Phrase]]:
    """Groups of pieces that are kept or dropped as a whole: up to a comma, or word by word if that is too long."""
    groups: list[list[Phrase]] = [[]]
    for phrase in phrases:
        if phrase.is_break:
            groups += [[phrase], []]
        for text in re.findall(r"[^,]*,\s*|[^,]+", phrase.text):
            groups[-1].append(replace(phrase, text=text))
            if "," in text:
                groups.append([])
    parts = []
    for group in groups:
        overlong = _count(tokenizers, group) > chunk_size(tokenizers[0])
        words = [replace(piece, text=text) for piece in group for text in re.findall(r"\s*\S+\s*", piece.text)]
        parts += [[word] for word in words] if overlong else [group]
    return parts


def _importance(part: Sequence[Phrase]) -> float:
    if any(piece.is_break for piece in part):
        return math.inf
    return max((piece.weight for piece in part if re.search(r"\w", piece.text)), default=0.0)


def _count(tokenizers: Sequence["CLIPTokenizer"], phrases: Sequence[Phrase]) -> int:
    parts = parts_between_breaks(phrases)
    return max(sum(len(tokenize(tokenizer, part)) for part in parts) for tokenizer in tokenizers)


def chunk_size(tokenizer: "CLIPTokenizer") -> int:
    """Tokens that a text encoder takes at once, without start and end marks."""
    return tokenizer.model_max_length - 2


def tokenize(tokenizer: "CLIPTokenizer", phrases: Sequence[Phrase]) -> list[Token]:
    """Tokenise the joined text, so that weights do not change how words are split into tokens."""
    text = "".join(phrase.text for phrase in phrases)
    weights = [phrase.weight for phrase in phrases for _ in phrase.text]
    found = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    spans = found["offset_mapping"]
    next_starts = [start for start, _ in spans[1:]] + [len(text) + 1]
    return [
        Token(number, weights[start], 2 if text[end - 1] in ",.;" else int(next_start > end))
        for number, (start, end), next_start in zip(found["input_ids"], spans, next_starts, strict=False)
    ]


def chunks_of(tokenizer: "CLIPTokenizer", phrases: Sequence[Phrase]) -> list[list[Token]]:
    """Tokens in the chunks that a text encoder takes at once; each break starts another one."""
    size = chunk_size(tokenizer)
    parts = parts_between_breaks(phrases)
    return [chunk for part in parts for chunk in split_into_chunks(tokenize(tokenizer, part), size)]


def split_into_chunks(tokens: list[Token], size: int) -> list[list[Token]]:
    """Split tokens into one or more chunks of at most `size`, which end after a comma or a word near the limit."""
    chunks = []
    while len(tokens) > size:
        end = 1 + max(range(max(0, size - CUT_WITHIN), size), key=lambda index: (tokens[index].cut_after, index))
        chunks.append(tokens[:end])
        tokens = tokens[end:]
    return [*chunks, tokens]
