"""The share of an outline along which a person and what is behind are alike."""

import numpy as np
import pytest

from common.people.contrast import alike_share, warning_of

WALL = (240, 240, 236)


def person(shirt: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A dark head of 60 rows above a shirt of 140 px x 190 rows in front of a wall."""
    photo = np.full((300, 300, 3), WALL, np.uint8)
    mask = np.zeros((300, 300), bool)
    mask[50:110, 120:180] = True
    mask[110:, 80:220] = True
    photo[mask] = (70, 50, 40)
    photo[110:, 80:220] = shirt
    return photo, mask


@pytest.mark.parametrize("shirt", [(20, 40, 160), (200, 30, 30), (150, 150, 150)])
def test_a_shirt_unlike_the_wall_gives_no_warning(shirt: tuple[int, int, int]) -> None:
    assert alike_share(*person(shirt)) < 0.05
    assert warning_of(*person(shirt)) == ""


def test_a_white_shirt_before_a_white_wall_gives_a_warning_with_the_share_of_its_outline() -> None:
    outline = 60 * 2 + 60 + 80 + 190 * 2  # both sides of the head, its top, the shoulders, both sides of the shirt
    alike = 80 + 190 * 2
    share = alike_share(*person((235, 235, 235)))
    assert share == pytest.approx(alike / outline, abs=0.06)
    assert warning_of(*person((235, 235, 235))).startswith(f"along {100 * share:.0f} % of the outline")


@pytest.mark.parametrize("value", [False, True])
def test_without_an_outline_nothing_is_alike(value: bool) -> None:
    photo, mask = person((0, 0, 0))
    assert alike_share(photo, np.full_like(mask, value)) == 0
