import itertools
import re
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from avatar.prompt.weighting import HEAVIEST, count_tokens, embed_prompts, fit_tokens, parse_prompt, tokenizers_of
from avatar.prompt.wording import Phrase
from avatar.sdxl.sources import BASE, REFINER
from common.errors import UserError
from tests.avatar.tiny_sdxl import build_tiny_sdxl

pytestmark = pytest.mark.slow
PLAIN = "portrait of a young woman, black leather jacket, red hat, studio light"
NEGATIVE = "blurry, low quality, deformed hands"
KEYS = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")
CHUNK = 77


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    from diffusers import StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline

    folder = build_tiny_sdxl(tmp_path_factory.mktemp("tiny"))
    base = StableDiffusionXLPipeline.from_pretrained(folder / BASE)
    refiner = StableDiffusionXLImg2ImgPipeline.from_pretrained(folder / REFINER)
    for pipeline in (base, refiner):
        pipeline.set_progress_bar_config(disable=True)
    return {BASE: base, REFINER: refiner}


@pytest.fixture(scope="module")
def base(pipelines: dict[str, Any]) -> Any:
    return pipelines[BASE]


def embed(pipeline: Any, text: str, key: str = "prompt_embeds") -> torch.Tensor:
    return embed_prompts(pipeline, text, NEGATIVE)[key]


def halves(base: Any, text: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings of the first and of the second text encoder."""
    widths = [encoder.config.hidden_size for encoder in (base.text_encoder, base.text_encoder_2)]
    first, second = embed(base, text).split(widths, dim=-1)
    return first, second


# ---- reading ----


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("", []),
        ("leather jacket", [("leather jacket", 1)]),
        ("(leather jacket:1.3)", [("leather jacket", 1.3)]),
        ("a (red)b", [("a ", 1), ("red", 1.1), ("b", 1)]),
        ("((red))", [("red", 1.21)]),
        ("(a (b:1.5) c:0.5)", [("a ", 0.5), ("b", 0.75), (" c", 0.5)]),
        ("(hat: 1.20 )", [("hat", 1.2)]),
        ("(hat:.5)(scarf:0.5)", [("hatscarf", 0.5)]),
        ("(set: two hats:2)", [("set: two hats", 2)]),
        (r"hat \(blue\)", [("hat (blue)", 1)]),
        (r"(10\:30 \(am\):1.2)", [("10:30 (am)", 1.2)]),
        (r"C:\hats, 3:4", [(r"C:\hats, 3:4", 1)]),
        (r"\\(a)", [("\\", 1), ("a", 1.1)]),
        ("[hat] line\nline", [("[hat] line\nline", 1)]),
        ("no hat (hat:0)", [("no hat ", 1), ("hat", 0)]),
        ("()(:1.3)", []),
    ],
)
def test_weights_and_brackets_are_read(text: str, phrases: list[tuple[str, float]]) -> None:
    assert [(phrase.text, phrase.weight) for phrase in parse_prompt(text)] == phrases


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a (hat", "character 3: a bracket is never closed, at 'a .hat'"),
        ("a (b (c)", "character 3: a bracket is never closed"),
        ("smile :)", "character 7: a bracket closes that was never opened"),
        ("(hat:1,3)", r"the weight '1,3' is not a number.*write \(words:1.3\)"),
        ("(hat:warm)", "the weight 'warm' is not a number"),
        (f"(hat:{'warm ' * 99})", "the weight 'warm warm warm warm ' is not a number"),
        ("(hat:)", "the weight '' is not a number"),
        ("(hat:-1)", "the weight -1 is outside 0 to 3"),
        ("(hat:99)", "the weight 99 is outside 0 to 3"),
        ("(hat:nan)", "the weight nan is outside 0 to 3"),
        ("((hat:2):2)", "multiply to a weight above 3"),
        ("(" * 9000 + "hat" + ")" * 9000, "multiply to a weight above 3"),
        ("hat " * 6000, "has 24000 characters; shorten it to 20000"),
    ],
)
def test_nonsense_is_named_with_its_place_and_remedy(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        parse_prompt(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


phrases = st.builds(
    Phrase,
    st.text("ab (),:\\é\n", min_size=1, max_size=12),
    st.integers(0, 3000).map(lambda thousandths: thousandths / 1000),
)


@given(st.lists(phrases, max_size=6))
def test_phrases_that_are_written_are_read_back(given_phrases: list[Phrase]) -> None:
    read = parse_prompt("".join(map(str, given_phrases)))
    assert [(a, p.weight) for p in read for a in p.text] == [(a, p.weight) for p in given_phrases for a in p.text]
    assert all(first.weight != second.weight for first, second in itertools.pairwise(read))


@given(st.text("ab(:1.)\\ ", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = parse_prompt(text)
    except UserError:
        return
    assert all(0 <= phrase.weight <= HEAVIEST and phrase.text for phrase in read)
    assert re.sub(r"[\\():1.]", "", "".join(phrase.text for phrase in read)) == re.sub(r"[\\():1.]", "", text)


# ---- counting ----


def test_tokens_are_counted_without_weights_and_without_a_model(base: Any) -> None:
    tokenizers = tokenizers_of(base)
    assert len(tokenizers) == 2
    plain = len(base.tokenizer(PLAIN)["input_ids"]) - 2
    assert count_tokens(tokenizers, PLAIN) == plain > 10
    assert count_tokens(tokenizers, PLAIN.replace("leather jacket", "(leather (jacket):1.3)")) == plain
    assert count_tokens(tokenizers, "") == 0


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_plain_text_is_counted(base: Any, text: str) -> None:
    assert count_tokens(tokenizers_of(base), str(Phrase(text))) == len(base.tokenizer(text)["input_ids"]) - 2


def test_the_least_important_words_go_first(base: Any) -> None:
    tokenizers = tokenizers_of(base)
    text = "portrait, (red hat:1.3), (scarf:0.8), denim, (boots:0.9), (blue hat, hair:1.2)"
    sizes = {part: count_tokens(tokenizers, f"{part},") for part in ("scarf", "boots", "denim", "portrait")}
    most = count_tokens(tokenizers, text)
    assert fit_tokens(tokenizers, text, most) == (text, [])
    fitted, dropped = fit_tokens(tokenizers, text, most - 1)
    assert dropped == ["scarf"]
    assert fitted == "portrait, (red hat:1.3), denim, (boots:0.9), (blue hat, hair:1.2)"
    fitted, dropped = fit_tokens(tokenizers, text, most - sum(sizes.values()) + 1)
    assert dropped == ["portrait", "scarf", "denim", "boots"]
    assert parse_prompt(fitted)[-1] == Phrase("blue hat, hair", 1.2)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.sampled_from(["red hat", "(hair:1.2)", "denim,", "!!", "boots, (hat, face:0.7),"]), max_size=60),
    st.data(),
)
def test_what_is_left_fits(base: Any, words: list[str], data: st.DataObject) -> None:
    tokenizers = tokenizers_of(base)
    text = " ".join(words)
    most = data.draw(st.integers(0, 100))
    fitted, dropped = fit_tokens(tokenizers, text, most)
    assert count_tokens(tokenizers, fitted) <= most
    assert bool(dropped) == (count_tokens(tokenizers, text) > most)


def test_a_prompt_of_400_words_is_cut_between_words_where_it_has_no_commas(base: Any) -> None:
    tokenizers = tokenizers_of(base)
    text = "denim jacket " * 200
    fitted, dropped = fit_tokens(tokenizers, text, 75)
    assert count_tokens(tokenizers, fitted) <= 75 < count_tokens(tokenizers, f"{fitted} {dropped[0]} {dropped[1]}")
    assert fitted.split() + dropped == text.split()


# ---- embedding ----


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
