"""The network: shapes, what it sees, and the folded copy that predicts."""

import copy

import pytest
import torch
from torch import Tensor, nn

from masks.model.unet import CHANNELS, SIZE_PX, WIDTHS, UNet, fold_normalisation


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)  # faster than two that wait for each other


def random_pairs(*shape: int, seed: int = 0) -> Tensor:
    """(B, 8, H, W) in [0, 1]."""
    return torch.rand(shape[0], CHANNELS, *shape[1:], generator=torch.Generator().manual_seed(seed))


def lively_network(widths: tuple[int, ...] = (8, 12), seed: int = 0) -> UNet:
    """A random network whose normalisations hold random statistics, in evaluation mode."""
    torch.manual_seed(seed)
    network = UNet(widths)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.normal_(layer.bias)
            assert layer.running_mean is not None and layer.running_var is not None
            nn.init.normal_(layer.running_mean)
            nn.init.uniform_(layer.running_var, 0.3, 3)
    return network.eval()


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 64, 32), (2, 96, 160)])
@torch.inference_mode()
def test_one_logit_a_pixel_for_every_multiple_of_32(shape: tuple[int, int, int]) -> None:
    batch, height, width = shape
    logits = UNet((4, 6, 8, 10, 12)).eval()(random_pairs(*shape))
    assert logits.shape == (batch, 1, height, width) and logits.dtype == torch.float32
    assert logits.isfinite().all()


def test_the_square_that_ships_fits_the_network_and_ten_megabytes() -> None:
    assert SIZE_PX % 2 ** len(WIDTHS) == 0
    values = UNet().state_dict().values()
    assert sum(value.numel() * (2 if value.ndim == 4 else value.element_size()) for value in values) < 10e6


@torch.inference_mode()
def test_pairs_of_a_batch_do_not_touch_each_other() -> None:
    network, pairs = lively_network(), random_pairs(4, 32, 32)
    torch.testing.assert_close(network(pairs), torch.cat([network(pair[None]) for pair in pairs]))


def test_every_channel_of_both_frames_counts() -> None:
    pairs = random_pairs(1, 32, 32).requires_grad_()
    lively_network()(pairs).square().sum().backward()
    assert pairs.grad is not None
    assert (pairs.grad.abs().mean(dim=(0, 2, 3)) > 0).all()


def test_each_pixel_of_a_block_of_four_has_a_logit_of_its_own() -> None:
    """Folding 2 x 2 pixels into channels and back must not mix up their places."""
    torch.manual_seed(0)
    network = UNet((16,))
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    pairs = random_pairs(2, 16, 16).round()
    truth = pairs[:, 4:5]  # the clothed frame's red channel: copying it needs the right place
    for _ in range(150):
        optimiser.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(network(pairs), truth).backward()
        optimiser.step()
    with torch.inference_mode():
        torch.testing.assert_close((network.eval()(pairs) > 0).float(), truth)


@pytest.mark.parametrize("axis", [2, 3])
@torch.inference_mode()
def test_a_figure_that_moves_by_whole_cells_has_logits_that_move_with_it(axis: int) -> None:
    network, pairs = lively_network(), random_pairs(1, 128, 128)
    moved = torch.roll(network(pairs), 8, axis)
    inside = (..., slice(48, 80), slice(48, 80))  # away from the borders, whose surroundings differ
    torch.testing.assert_close(network(torch.roll(pairs, 8, axis))[inside], moved[inside], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("widths", [(4,), (4, 6), (4, 6, 8, 10, 12)])
@torch.inference_mode()
def test_the_folded_network_gives_the_same_answers(widths: tuple[int, ...]) -> None:
    network, pairs = lively_network(widths), random_pairs(2, 64, 64)
    folded = fold_normalisation(copy.deepcopy(network))
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in folded.modules())
    expected = network(pairs)
    assert expected.std() > 0.01
    torch.testing.assert_close(folded(pairs), expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))
