"""The demo model's tokenizer: CLIP's byte-level BPE with a vocabulary learnt from our captions.

Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909) repeatedly joins the most frequent pair of pieces. The
captions have few words, so it continues until each is one token; other words are split into pieces.
"""

import functools
import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.files import write_text

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"
PAD, PAD_2 = END, "!"  # padding of SDXL's two tokenizers
LENGTH = 77
MOST_MERGES = 4000
_WORDS = re.compile(r"[^\W\d_]+|\d|[^\w\s]+")  # almost as CLIP splits text


def count_words(texts: Iterable[str]) -> Counter[str]:
    """Count the words of texts, in lower case."""
    return Counter(word for text in texts for word in _WORDS.findall(text.lower()))


def learn_merges(words: Mapping[str, int], most: int = MOST_MERGES) -> list[tuple[str, str]]:
    """Learn which pairs to join, in order, until every word is one token or there are `most`; ties by spelling."""
    letters = _letter_of_byte()
    spelt = [[letters[byte] for byte in word.encode("utf-8")] for word in words]
    for pieces in spelt:
        pieces[-1] += "</w>"
    counts = list(words.values())
    found: Counter[tuple[str, str]] = Counter()
    places: defaultdict[tuple[str, str], set[int]] = defaultdict(set)  # words that have or had a pair

    def count_pairs(place: int, sign: int) -> None:
        for pair in itertools.pairwise(spelt[place]):
            found[pair] += sign * counts[place]
            places[pair].add(place)

    for place in range(len(spelt)):
        count_pairs(place, 1)
    merges: list[tuple[str, str]] = []
    while len(merges) < most and +found:
        best = max(found, key=lambda pair: (found[pair], pair))
        merges.append(best)
        for place in places.pop(best):
            count_pairs(place, -1)
            spelt[place] = _joined(spelt[place], best)
            count_pairs(place, 1)
        del found[best]
    return merges


def _joined(pieces: list[str], pair: tuple[str, str]) -> list[str]:
    result: list[str] = []
    for piece in pieces:
        if result and (result[-1], piece) == pair:
            result[-1] += piece
        else:
            result.append(piece)
    return result


@functools.cache
def _letter_of_byte() -> dict[int, str]:
    """One printable letter for each of the 256 bytes, "!" first, as in the tokenizers of GPT-2 and CLIP."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + place) for place, byte in enumerate(others)}


def write_tokenizer(folder: Path, merges: list[tuple[str, str]], padding: str) -> None:
    """Write vocab.json, merges.txt and tokenizer_config.json, as in SDXL's repository."""
    letters = list(_letter_of_byte().values())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges), START, END]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": LENGTH,
        "bos_token": START,
        "eos_token": END,
        "unk_token": END,
        "pad_token": padding,
    }
    write_text(folder / "merges.txt", "".join(f"{line}\n" for line in ["#version: 0.2", *map(" ".join, merges)]))
    write_text(folder / "vocab.json", json.dumps(vocabulary, ensure_ascii=False))
    write_text(folder / "tokenizer_config.json", json.dumps(config, indent=2) + "\n")


def read_merges(folder: Path) -> list[tuple[str, str]]:
    """Read the merges of a tokenizer that `write_tokenizer` wrote."""
    lines = (folder / "merges.txt").read_text("utf-8").splitlines()[1:]
    return [(first, second) for first, second in (line.split(" ") for line in lines)]


def encode_texts(tokenizer: "CLIPTokenizer", texts: list[str]) -> np.ndarray:
    """Tokenize texts, (N, 77) int64, with start and end, padded and truncated as the pipelines do."""
    found = tokenizer(texts, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="np")
    return np.asarray(found.input_ids, np.int64).reshape(len(texts), LENGTH)
