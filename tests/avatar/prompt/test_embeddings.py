"""Weighted text embeddings, beside diffusers' own."""

import itertools
from typing import Any

import pytest
import torch

from avatar.prompt.embeddings import embed_prompts
from avatar.prompt.syntax import parse_prompt
from avatar.prompt.tokens import count_tokens, tokenizers_of
from avatar.sdxl.sources import BASE, REFINER

pytestmark = pytest.mark.slow
PLAIN = "portrait of a young woman, black leather jacket, red hat, studio light"
NEGATIVE = "blurry, low quality, deformed hands"
KEYS = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")
CHUNK = 77


def embed(pipeline: Any, text: str, key: str = "prompt_embeds") -> torch.Tensor:
    return embed_prompts(pipeline, text, NEGATIVE)[key]


def halves(base: Any, text: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings of the first and of the second text encoder."""
    widths = [encoder.config.hidden_size for encoder in (base.text_encoder, base.text_encoder_2)]
    first, second = embed(base, text).split(widths, dim=-1)
    return first, second


@pytest.mark.parametrize("part", [BASE, REFINER])
@pytest.mark.parametrize("text", [PLAIN, "", PLAIN.replace("red hat", "(red (hat:1.0):1)"), r"hat \(red\:blue\)"])
def test_without_weights_the_embeddings_are_the_pipelines_own(pipelines: dict[str, Any], part: str, text: str) -> None:
    found = embed_prompts(pipelines[part], text, NEGATIVE)
    plain = "".join(phrase.text for phrase in parse_prompt(text))
    wanted = pipelines[part].encode_prompt(plain, negative_prompt=NEGATIVE)
    assert set(found) == set(KEYS)
    for key, tensor in zip(KEYS, wanted, strict=True):
        assert torch.equal(found[key], tensor), key


def test_a_full_chunk_is_still_the_pipelines_own(base: Any) -> None:
    text = " ".join(["hat"] * 75)
    assert count_tokens(tokenizers_of(base), text) == 75
    assert torch.equal(embed(base, text), base.encode_prompt(text, negative_prompt=NEGATIVE)[0])


def test_break_starts_a_new_chunk_and_the_first_one_is_pooled(base: Any) -> None:
    found = embed_prompts(base, "(red hat BREAK denim:1) BREAK  BREAK boots", NEGATIVE)
    parts = [embed_prompts(base, text, NEGATIVE) for text in ("red hat", "denim", "boots")]
    assert torch.equal(found["prompt_embeds"], torch.cat([part["prompt_embeds"] for part in parts], dim=1))
    assert torch.equal(found["pooled_prompt_embeds"], parts[0]["pooled_prompt_embeds"])
    assert found["negative_prompt_embeds"].shape == found["prompt_embeds"].shape
    assert torch.equal(embed(base, "BREAK red hat BREAK"), embed(base, "red hat"))


@pytest.mark.parametrize("weights", [(1.0, 1.1, 1.3, 1.6, 2.0), (1.0, 0.9, 0.6, 0.3, 0.0)])
def test_the_effect_grows_with_the_weight_on_both_encoders(base: Any, weights: tuple[float, ...]) -> None:
    embedded = [halves(base, PLAIN.replace("leather jacket", f"(leather jacket:{weight})")) for weight in weights]
    for encoder, plain in enumerate(halves(base, PLAIN)):
        effects = [float((each[encoder] - plain).norm()) for each in embedded]
        assert effects[0] == 0
        assert all(less < more for less, more in itertools.pairwise(effects)), effects
        steps = [effect / abs(weight - 1) for effect, weight in zip(effects[1:], weights[1:], strict=True)]
        assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-3)  # in proportion


@pytest.mark.parametrize("part", [BASE, REFINER])
def test_more_weight_moves_only_the_tokens_of_the_words(pipelines: dict[str, Any], part: str) -> None:
    """Beside the naive way: each token of the words by itself, away from the empty prompt."""
    pipeline = pipelines[part]
    own, empty = (pipeline.encode_prompt(text, negative_prompt="")[0] for text in ("black leather jacket", ""))
    start = 1 + count_tokens([pipeline.tokenizer_2], "black")
    wanted = own.clone()
    for place in range(start, start + count_tokens([pipeline.tokenizer_2], "leather")):
        wanted[0, place] = empty[0, place] + 1.5 * (own[0, place] - empty[0, place])
    found = embed(pipeline, "black (leather:1.5) jacket")
    torch.testing.assert_close(found, wanted)
    assert torch.equal(found == own, wanted == own)


def test_words_of_weight_0_leave_nothing_but_their_places(base: Any) -> None:
    tokenizers = tokenizers_of(base)
    assert count_tokens(tokenizers, "leather") == count_tokens(tokenizers, "denim")
    for key in KEYS[::2]:
        without = embed(base, "black (leather:0) jacket", key)
        assert torch.equal(without, embed(base, "black (denim:0) jacket", key))
        assert not torch.allclose(without, embed(base, "black leather jacket", key))
    nothing = embed(base, "(denim:0)")
    assert torch.equal(nothing[:, 1], embed(base, "")[:, 1])


def test_less_weight_mixes_the_prompts_with_and_without_the_words(base: Any) -> None:
    def variant(hat: float, scarf: float, key: str) -> torch.Tensor:
        return embed(base, f"woman, (red hat:{hat}), (scarf:{scarf}), face", key)

    for key in KEYS[::2]:
        wanted = 0.3 * variant(1, 1, key) + 0.4 * variant(0, 1, key) + 0.3 * variant(0, 0, key)
        torch.testing.assert_close(variant(0.3, 0.7, key), wanted)


def test_the_pooled_embeddings_know_weights_below_1_only(base: Any) -> None:
    plain = embed(base, "a red hat", "pooled_prompt_embeds")
    assert torch.equal(embed(base, "a (red:1.5) hat", "pooled_prompt_embeds"), plain)
    assert not torch.allclose(embed(base, "a (red:0.5) hat", "pooled_prompt_embeds"), plain)


def test_weights_count_in_the_negative_prompt(base: Any) -> None:
    texts = ("low quality, blurry", "(low quality:1.4), blurry")
    light, heavy = (embed_prompts(base, PLAIN, text) for text in texts)
    assert torch.equal(light["prompt_embeds"], heavy["prompt_embeds"])
    assert not torch.allclose(light["negative_prompt_embeds"], heavy["negative_prompt_embeds"])


@pytest.mark.parametrize("part", [BASE, REFINER])
def test_400_words_are_embedded_in_chunks_that_end_with_commas(pipelines: dict[str, Any], part: str) -> None:
    pipeline = pipelines[part]
    tokenizers = tokenizers_of(pipeline)
    phrases = ["black leather jacket", "red hat", "(studio light:1.2)", "a man with a beard"] * 36
    text = ", ".join(phrases)
    assert len(text.split()) >= 400 and count_tokens(tokenizers, text) > 400
    found = embed_prompts(pipeline, text, NEGATIVE)
    shape = found["prompt_embeds"].shape
    assert found["negative_prompt_embeds"].shape == shape and shape[1] % CHUNK == 0 and shape[1] > 5 * CHUNK
    empty = embed(pipeline, "")
    assert torch.equal(found["negative_prompt_embeds"][:, CHUNK : 2 * CHUNK], empty)
    fitting = max(n for n in range(len(phrases)) if count_tokens(tokenizers, ", ".join(phrases[:n]) + ",") <= 75)
    first = embed_prompts(pipeline, ", ".join(phrases[:fitting]) + ",", NEGATIVE)
    assert torch.equal(found["prompt_embeds"][:, :CHUNK], first["prompt_embeds"])
    assert torch.equal(found["pooled_prompt_embeds"], first["pooled_prompt_embeds"])


def test_no_token_is_lost_between_chunks_without_commas(base: Any) -> None:
    words = ["hat"] * 75 + ["scarf"]
    found = embed(base, " ".join(words))
    for chunk, text in ((0, " ".join(words[:75])), (1, "scarf")):
        assert torch.equal(found[:, chunk * CHUNK : (chunk + 1) * CHUNK], embed(base, text))


def test_both_pipelines_draw_from_the_embeddings(pipelines: dict[str, Any]) -> None:
    """A heavier word changes the picture, and chunked prompts go through both UNets."""
    from PIL import Image

    text = "(red hat:{}), " + PLAIN * 4
    for name, pipeline in pipelines.items():
        start = {} if name == BASE else {"image": Image.new("RGB", (64, 64), "tan"), "strength": 0.9}
        size = {"height": 64, "width": 64} if name == BASE else {}
        pictures = [
            pipeline(
                **embed_prompts(pipeline, text.format(weight), NEGATIVE),
                **start,
                **size,
                num_inference_steps=2,
                generator=torch.Generator().manual_seed(0),
                output_type="np",
            ).images
            for weight in (1.0, 1.5)
        ]
        assert abs(pictures[0] - pictures[1]).max() > 0
