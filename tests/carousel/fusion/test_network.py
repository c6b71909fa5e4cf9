"""The network: its composite, its parts against naive versions, sizes, and weights of ImageNet."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from carousel.fusion.diagram import describe_layers
from carousel.fusion.light_estimate import COEFFICIENTS, PIVOT, LightEstimate
from carousel.fusion.light_statistics import COUNT
from carousel.fusion.network import (
    FOLD,
    Decoder,
    Encoder,
    FusionNetwork,
    Head,
    ResNetEncoder,
    TransformerBlock,
    apply_affine,
    check_size,
    load_imagenet,
    widen,
)
from common.errors import UserError
from common.imagenet.normalisation import denorm, norm
from tests.carousel.helpers import SIDE, lively, untrained

pytestmark = pytest.mark.slow
KINDS: list[tuple[Decoder, Head, int]] = [
    ("transformer", "affine", 1),
    ("transformer", "affine", 2),
    ("cnn", "affine", 1),
    ("transformer", "colours", 1),
    ("cnn", "colours", 2),
]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def networks() -> dict[tuple[Decoder, Head, int], FusionNetwork]:
    return {kind: lively(*kind) for kind in KINDS}


def random_inputs(seed: int, side: int = SIDE, batch: int = 1) -> tuple[Tensor, Tensor]:
    """Pictures of 8 bits in the network's range, and a mask of 0 or 1 about a square."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (batch, 6, side, side), generator=generator) / 255
    mask = torch.zeros(batch, 1, side, side)
    top, left, size = (int(n) for n in torch.randint(2, side // 2, (3,), generator=generator))
    mask[..., top : top + size, left : left + size] = 1
    mask *= torch.rand(mask.shape, generator=generator) < 0.9
    return torch.cat([norm(pixels[:, :3]), norm(pixels[:, 3:]) * mask], dim=1), mask


# ---- the composite ----


@pytest.mark.parametrize("kind", KINDS, ids=str)
@torch.inference_mode()
def test_outside_the_mask_the_background_comes_through_bit_for_bit(
    networks: dict[tuple[Decoder, Head, int], FusionNetwork], kind: tuple[Decoder, Head, int]
) -> None:
    @settings(max_examples=6)
    @given(st.integers(0, 2**31), st.sampled_from([64, 128, 192]), st.integers(1, 2))
    def check(seed: int, side: int, batch: int) -> None:
        inputs, mask = random_inputs(seed, side, batch)
        fused = networks[kind](inputs, mask)
        outside = (mask == 0).expand_as(fused)
        assert fused.shape == (batch, 3, side, side) and fused.isfinite().all()
        assert torch.equal(fused[outside], inputs[:, :3][outside])
        inside = ~outside
        assert (fused - inputs[:, 3:])[inside].abs().mean() > 1e-3, "and inside colours change"

    check()


@torch.inference_mode()
def test_a_soft_mask_mixes_and_where_it_is_0_nothing_changes(
    networks: dict[tuple[Decoder, Head, int], FusionNetwork],
) -> None:
    network = networks[KINDS[0]]
    inputs, mask = random_inputs(1)
    soft = mask * torch.rand(mask.shape)
    fused = network(inputs, soft)
    hard = (soft == 0).expand_as(fused)
    assert torch.equal(fused[hard], inputs[:, :3][hard])
    empty = network(inputs, torch.zeros_like(mask))
    assert torch.equal(empty, inputs[:, :3])


@pytest.mark.parametrize("kind", KINDS, ids=str)
@torch.inference_mode()
def test_an_untrained_network_pastes(kind: tuple[Decoder, Head, int]) -> None:
    inputs, mask = random_inputs(3)
    fused = untrained(*kind)(inputs, mask)
    torch.testing.assert_close(fused, torch.where(mask > 0, inputs[:, 3:], inputs[:, :3]), rtol=0, atol=1e-5)


@torch.inference_mode()
def test_samples_of_a_batch_do_not_see_one_another(
    networks: dict[tuple[Decoder, Head, int], FusionNetwork],
) -> None:
    inputs, mask = random_inputs(4, batch=3)
    for kind in KINDS[:3]:
        together = networks[kind](inputs, mask)
        alone = torch.cat([networks[kind](inputs[n : n + 1], mask[n : n + 1]) for n in range(3)])
        torch.testing.assert_close(together, alone, rtol=0, atol=1e-4)


@torch.inference_mode()
def test_the_composite_is_the_transform_that_the_head_predicts(
    networks: dict[tuple[Decoder, Head, int], FusionNetwork],
) -> None:
    inputs, mask = random_inputs(5)
    background, avatar = inputs[:, :3], denorm(inputs[:, 3:])
    for kind, network in networks.items():
        transform = network.transform(inputs, mask)
        shrink = kind[2]
        side = SIDE // shrink // FOLD
        if kind[1] == "affine":
            assert transform.shape == (1, COEFFICIENTS, side, side)
            large = nn.functional.interpolate(transform, (SIDE, SIDE), mode="bilinear", align_corners=False)
            person = apply_affine(large, avatar)
        else:
            assert transform.shape == (1, 3 * (FOLD * shrink) ** 2, side, side)
            person = avatar + nn.functional.pixel_shuffle(transform, FOLD * shrink)
        naive = torch.where(mask > 0, norm(person), background)
        torch.testing.assert_close(network(inputs, mask), naive, rtol=0, atol=1e-5)


# ---- sizes, encoders, decoders ----


@pytest.mark.parametrize("encoder", ["resnet18", "resnet34", "resnet50"])
@torch.inference_mode()
def test_every_encoder_gives_features_at_a_quarter_to_a_32nd(encoder: Encoder) -> None:
    net = ResNetEncoder(encoder).eval()
    features = net(torch.zeros(1, 6, 96, 64))
    assert [tuple(f.shape[1:]) for f in features] == [
        (channels, 96 // part, 64 // part) for channels, part in zip(net.channels, (4, 8, 16, 32), strict=True)
    ]


@pytest.mark.parametrize("decoder", ["transformer", "cnn"])
@torch.inference_mode()
def test_resnet50_fits_both_decoders(decoder: Decoder) -> None:
    network = FusionNetwork("resnet50", decoder, "affine", 1).eval()
    inputs, mask = random_inputs(0)
    torch.testing.assert_close(
        network(inputs, mask), torch.where(mask > 0, inputs[:, 3:], inputs[:, :3]), atol=1e-5, rtol=0
    )
    layers = describe_layers(network, SIDE)
    assert sum(layer.parameters for layer in layers) == sum(p.numel() for p in network.parameters())
    assert {layer.name: layer.shape for layer in layers}["encoder.stages.3"] == "2048 x 2 x 2"


@pytest.mark.parametrize("shrink", [1, 2, 3, 4])
@torch.inference_mode()
def test_every_size_that_the_settings_allow_runs_at_every_shrink(shrink: int) -> None:
    network = lively("transformer", "affine", shrink)
    for side in {32 * shrink * n for n in (1, 2, 3) if 32 * shrink * n >= 64}:
        check_size(side, shrink)
        inputs, mask = random_inputs(1, side)
        assert network(inputs, mask).shape == (1, 3, side, side)


@pytest.mark.parametrize(
    ("size_px", "shrink", "words"),
    [
        (32, 1, "SIZE_PX is 32; it must be from 64 to 1024"),
        (2048, 1, "SIZE_PX is 2048"),
        (100, 1, "SIZE_PX is 100; it must be a multiple of 32"),
        (96, 2, "SIZE_PX is 96; it must be a multiple of 64"),
        (64, 0, "SHRINK is 0; it must be from 1 to 4"),
        (64, 5, "SHRINK is 5"),
    ],
)
def test_sizes_that_the_network_cannot_take_are_named(size_px: int, shrink: int, words: str) -> None:
    with pytest.raises(UserError, match=words):
        check_size(size_px, shrink)


@torch.inference_mode()
def test_windowed_attention_is_attention_inside_each_window() -> None:
    torch.manual_seed(0)
    block = TransformerBlock(32).eval()
    block.position.weight.zero_()
    assert block.position.bias is not None
    block.position.bias.zero_()
    x = torch.randn(2, 32, 24, 24)
    whole = block(x)
    for top in (0, 8, 16):
        for left in (0, 8, 16):
            part = x[..., top : top + 8, left : left + 8]
            alone = block(part.contiguous())
            torch.testing.assert_close(whole[..., top : top + 8, left : left + 8], alone, rtol=0, atol=1e-5)
    small = torch.randn(1, 32, 16, 16)
    changed = small.clone()
    changed[..., 15, 15] = torch.randn(32)
    assert (block(changed) - block(small))[..., 0, 0].abs().max() > 1e-5, "up to four windows see one another"


def naive_attention(block: TransformerBlock, tokens: np.ndarray) -> np.ndarray:
    """Softmax of scaled products, head by head, for (N, width)."""
    weight, bias = block.to_qkv.weight.detach().numpy(), block.to_qkv.bias.detach().numpy()
    q, k, v = np.split(tokens @ weight.T + bias, 3, axis=1)
    heads = []
    for columns in np.split(np.arange(tokens.shape[1]), block.heads):
        scores = q[:, columns] @ k[:, columns].T / np.sqrt(len(columns))
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        heads.append(shares / shares.sum(axis=1, keepdims=True) @ v[:, columns])
    out = block.from_attention
    return np.concatenate(heads, axis=1) @ out.weight.detach().numpy().T + out.bias.detach().numpy()


def test_attention_is_the_naive_one() -> None:
    torch.manual_seed(1)
    block = TransformerBlock(64)
    tokens = torch.randn(1, 7, 64)
    naive = naive_attention(block, tokens[0].numpy())
    np.testing.assert_allclose(block.attend(tokens)[0].detach().numpy(), naive, atol=1e-5)


# ---- light ----


def test_the_light_estimate_changes_nothing_before_training_and_is_a_share_of_the_members_mean_after() -> None:
    torch.manual_seed(0)
    light = LightEstimate().eval()
    statistics = torch.randn(3, COUNT)
    assert torch.equal(light(statistics), torch.zeros(3, COEFFICIENTS))
    with torch.no_grad():
        for parameter in light.parameters():
            parameter.normal_(0, 0.05)
        light.standardise(torch.randn(40, COUNT) + 2)
        inputs = light.standardised(statistics)
        mean, variance = light.normalise.running_mean, light.normalise.running_var
        assert mean is not None and variance is not None
        naive = ((statistics - mean) / torch.sqrt(variance + 1e-4)).clamp(-6, 6)
        torch.testing.assert_close(inputs, naive)
        shares = light(statistics) / torch.stack([member(inputs) for member in light.members]).mean(0)
    assert ((shares > 0) & (shares < 1)).all() and float((shares - shares[:, :1]).abs().max()) < 1e-3
    assert float(shares[0, 0]) != float(shares[1, 0]), "each sample has its own confidence"


def test_statistics_are_standardised_alike_while_members_learn() -> None:
    light = LightEstimate()
    light.standardise(torch.randn(40, COUNT))
    statistics = torch.randn(2, COUNT)
    before = light.standardised(statistics)
    light.train()
    assert torch.equal(light.standardised(statistics), before) and torch.equal(light.standardised(statistics), before)


@given(st.integers(0, 2**31))
@settings(max_examples=20)
def test_a_colour_transform_is_a_matrix_and_an_offset_a_pixel(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    coefficients = torch.randn(2, COEFFICIENTS, 3, 4, generator=generator)
    rgb = torch.rand(2, 3, 3, 4, generator=generator)
    found = apply_affine(coefficients, rgb).numpy()
    for sample in range(2):
        for row in range(3):
            for column in range(4):
                c = coefficients[sample, :, row, column].numpy()
                pixel = rgb[sample, :, row, column].numpy()
                naive = (np.eye(3) + c[:9].reshape(3, 3)) @ (pixel - PIVOT) + PIVOT + c[9:]
                np.testing.assert_allclose(found[sample, :, row, column], naive, atol=1e-5)
    assert torch.equal(apply_affine(0 * coefficients, rgb), rgb)


# ---- weights of ImageNet ----


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torch.hub's cache, empty."""
    (tmp_path / "checkpoints").mkdir()
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    return tmp_path / "checkpoints"


def official_file(hub: Path, encoder: str, counters: bool = True) -> tuple[Path, nn.Module]:
    """A network of torchvision with random weights, stored under the name and in the form of the official file.

    Files older than PyTorch 0.4.1 have no counters of batches.
    """
    torch.manual_seed(5)
    net = torchvision.models.get_model(encoder, weights=None)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    path = hub / Path(torchvision.models.get_model_weights(encoder).DEFAULT.url).name
    state = net.state_dict()
    torch.save({name: state[name] for name in state if counters or "num_batches" not in name}, path)
    return path, net.eval()


@torch.inference_mode()
def stages_of(net: nn.Module, picture: Tensor) -> list[Tensor]:
    """Features of torchvision's ResNet after each stage."""
    x = net.maxpool(net.relu(net.bn1(net.conv1(picture))))  # type: ignore[operator]
    features = []
    for name in ("layer1", "layer2", "layer3", "layer4"):
        x = getattr(net, name)(x)
        features.append(x)
    return features


@pytest.mark.parametrize("encoder", ["resnet34", "resnet50"])
@torch.inference_mode()
def test_imagenet_weights_see_two_equal_pictures_as_torchvision_sees_one(hub: Path, encoder: Encoder) -> None:
    path, net = official_file(hub, encoder)
    network = FusionNetwork(encoder, "cnn", "affine", 1)
    assert load_imagenet(network) == path.name
    picture = norm(torch.rand(1, 3, 64, 64))
    ours = network.encoder.eval()(torch.cat([picture, picture], dim=1))
    for mine, theirs in zip(ours, stages_of(net, picture), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_an_old_official_file_without_counters_is_read(hub: Path) -> None:
    path, net = official_file(hub, "resnet18", counters=False)
    network = untrained()
    assert load_imagenet(network) == path.name
    picture = norm(torch.rand(1, 3, 64, 64))
    ours = network.encoder(torch.cat([picture, picture], dim=1))
    torch.testing.assert_close(ours[3], stages_of(net, picture)[3], rtol=1e-4, atol=1e-4)


def test_a_widened_convolution_sees_both_pictures_alike() -> None:
    weight = torch.randn(8, 3, 7, 7)
    one, other = torch.randn(2, 1, 3, 20, 20)
    wide, narrow = widen(weight), nn.functional.conv2d
    assert wide.shape == (8, 6, 7, 7)
    mean = (narrow(one, weight) + narrow(other, weight)) / 2
    torch.testing.assert_close(narrow(torch.cat([one, other], 1), wide), mean, rtol=1e-4, atol=1e-4)


def test_without_the_file_the_encoder_stays_as_it_is(hub: Path) -> None:
    network = untrained()
    before = network.encoder.state_dict()["stem.0.weight"].clone()
    assert load_imagenet(network) == ""
    assert torch.equal(network.encoder.state_dict()["stem.0.weight"], before)


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "a web page": lambda path: path.write_text("<html>Sign in</html>", encoding="utf-8"),
    "another network": lambda path: torch.save(torchvision.models.resnet34().state_dict() | {"conv1.weight": 1}, path),
    "a list": lambda path: torch.save([1, 2], path),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_one_line_with_the_remedy(hub: Path, kind: str) -> None:
    path, _ = official_file(hub, "resnet18")
    DAMAGE[kind](path)
    with pytest.raises(UserError) as error:
        load_imagenet(untrained())
    assert str(error.value) == f"{path}: damaged; delete it, or download it again by torchvision"


# ---- what several devices need ----


@pytest.mark.parametrize("head", ["affine", "colours"])
def test_every_weight_that_trains_gets_a_gradient(head: Head) -> None:
    """Or several devices would wait for it."""
    network = lively("transformer", head).train()
    inputs, mask = random_inputs(2, batch=2)
    network(inputs, mask).square().mean().backward()
    assert [name for name, p in network.named_parameters() if p.requires_grad and p.grad is None] == []
