"""Text embeddings of weighted prompts for SDXL.

A weight w above 1 moves the embeddings z of its words away from those of the empty prompt, z0 + w (z - z0), as ComfyUI
and the library compel do. (The older way rescales all embeddings to their former mean; with SDXL it divides by values
near zero and flips signs: AUTOMATIC1111/stable-diffusion-webui, pull request 14874.) Below 1 this alone would leave
what other tokens have read of the words. So, as in compel, they are also hidden from the encoder's attention: the
embeddings are w parts those with the words, and 1 - w parts those without, in which only their positions remain.
"""

import functools
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from avatar.prompt.syntax import Phrase, parse_prompt
from avatar.prompt.tokens import Token, chunks_of, tokenizers_of

if TYPE_CHECKING:
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer


@torch.no_grad()
def embed_prompts(pipeline: Any, prompt_text: str, negative_text: str) -> dict[str, torch.Tensor]:
    """Compute weighted text embeddings, as arguments of the same names for SDXL's pipelines.

    Prompts of more than 75 tokens, or with BREAK, are encoded in chunks, each with its own start and end marks; the
    shorter of the two texts is padded with empty chunks. The pooled embeddings are those of the first chunk; weights
    below 1 affect them, weights above 1 do not. Without weights and breaks and up to 75 tokens, the result equals the
    pipeline's own `encode_prompt`.

    Args:
        pipeline: any of diffusers' SDXL pipelines: a base has both text encoders, a refiner only the second one.
        prompt_text: what the picture should show.
        negative_text: what it should not show; may be empty.

    Returns:
        prompt_embeds and negative_prompt_embeds, (1, 77 n, width) for n chunks, with the encoders' widths added up, and
        pooled_prompt_embeds and negative_pooled_prompt_embeds, (1, width); in the text encoders' dtype.

    Raises:
        UserError: a text has invalid syntax.
    """
    encoders = [encoder for encoder in (pipeline.text_encoder, pipeline.text_encoder_2) if encoder is not None]
    device = pipeline._execution_device  # with offloading, the networks themselves are elsewhere
    text_encoders = [_TextEncoder(*pair, device) for pair in zip(tokenizers_of(pipeline), encoders, strict=True)]
    texts = {"": parse_prompt(prompt_text), "negative_": parse_prompt(negative_text)}
    chunks = {name: [encoder.chunks(phrases) for encoder in text_encoders] for name, phrases in texts.items()}
    length = max(len(of_encoder) for of_text in chunks.values() for of_encoder in of_text)
    embeddings = {}
    for name, of_text in chunks.items():
        columns = []
        for encoder, of_encoder in zip(text_encoders, of_text, strict=True):
            encoded = [encoder.encode(chunk) for chunk in of_encoder] + [encoder.empty] * (length - len(of_encoder))
            columns.append(torch.cat([states for states, _ in encoded], dim=1))
        embeddings[f"{name}prompt_embeds"] = torch.cat(columns, dim=-1)
        embeddings[f"{name}pooled_prompt_embeds"] = encoded[0][1]  # the last encoder's
    return embeddings


class _TextEncoder:
    """A text encoder with its tokenizer."""

    def __init__(
        self,
        tokenizer: "CLIPTokenizer",
        encoder: "CLIPTextModel | CLIPTextModelWithProjection",
        device: torch.device,
    ) -> None:
        self.tokenizer, self.encoder, self.device = tokenizer, encoder, device

    def chunks(self, phrases: Sequence[Phrase]) -> list[list[Token]]:
        return chunks_of(self.tokenizer, phrases)

    @functools.cached_property
    def empty(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self._run([])

    def encode(self, tokens: list[Token]) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeddings (1, 77, width) of a chunk and, if the encoder has a projection, pooled ones (1, width).

        The mixture steps through the weights below 1 in ascending order: between two of them, tokens of no more than
        the lower weight are hidden. So it is linear in each weight, and words of different weights do not weaken each
        other.
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

    def _run(self, tokens: list[Token], hidden: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        names = self.tokenizer
        numbers = [names.bos_token_id, *(token.number for token in tokens), names.eos_token_id]
        numbers += [names.pad_token_id] * (names.model_max_length - len(numbers))
        mask = None if hidden is None or not hidden.any() else (~hidden).long()[None]
        output = self.encoder(torch.tensor([numbers], device=self.device), mask, output_hidden_states=True)
        return output.hidden_states[-2], output[0]  # the second to last layer, as SDXL was trained
