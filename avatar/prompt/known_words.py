"""Words of a prompt that the small model does not know: those that none of its captions had."""

import re
from collections.abc import Iterable
from pathlib import Path

from avatar.prompt.syntax import parse_prompt, parts_between_breaks
from common.errors import UserError
from common.files import JSON_ERRORS, read_json

VOCABULARY = "tokenizer/vocab.json"  # in a model's folder
_END = "</w>"  # ends each token that ends a word
_WORD = re.compile(r"[^\W\d_]+")


def known_words(base: Path) -> frozenset[str]:
    """Words that are one token of a base's own tokenizer, lower case: all words of the captions that trained it.

    Args:
        base: folder of the base, in diffusers' layout.

    Raises:
        UserError: its vocabulary cannot be read.
    """
    try:
        tokens = read_json(base / VOCABULARY)
        return frozenset(token.removesuffix(_END) for token in tokens if token.endswith(_END))
    except JSON_ERRORS as error:
        raise UserError(f"{base / VOCABULARY}: damaged; download the model again") from error


def unknown_words(prompts: Iterable[str], known: frozenset[str]) -> list[str]:
    """Words of prompts that are not known, lower case, each once, in their order; weights and breaks are no words.

    Raises:
        UserError: a prompt has invalid syntax.
    """
    parts = (part for prompt in prompts for part in parts_between_breaks(parse_prompt(prompt)))
    texts = ("".join(phrase.text for phrase in part).lower() for part in parts)
    words = (word for text in texts for word in _WORD.findall(text))
    return [word for word in dict.fromkeys(words) if word not in known]
