"""Registration: the base frame moved to where the clothed frame shows the same body.

Frames that were drawn or rendered again are warped, scaled and blurred a little. The displacement from the clothed to
the base frame is found by Lucas and Kanade's method (Baker and Matthews 2004, "Lucas-Kanade 20 years on"): first one
affine map for the whole figure, then a smooth field, from coarse to fine. Pixels that do not match, such as clothing,
hardly count (Geman and McClure's weights).
"""

import cv2
import numpy as np

from common.alpha import around, premultiplied_float, straight_uint8
from masks.model.mask_threshold import MASK_THRESHOLD
from masks.sets.differences import light_between

WORKING_PX = 256  # longer side of the figure at which the field is found
LEVELS = (4, 2, 1)  # factors by which it is reduced, coarse to fine
STEPS = (8, 4, 3)  # iterations of each
BLUR_PX = 1.0  # standard deviation; makes gradients of hard edges usable
WINDOW = 0.08  # standard deviation of the field's window, as a share of the figure's longer side
MISMATCH = (0.3, 0.2, 0.12)  # difference of colours (0 to 1) at which a pixel's weight is a quarter, for each level
STIFFNESS = 0.1  # weight of the affine map against the local field, as a share of the mean squared gradient
CLOTH_REACH = 1 / 64  # pixels this near to clothing are left out, as a share of the figure's longer side
COST_LIMIT = 0.25  # differences of colours above it cost the same
COST_BLUR_PX = 1.5  # standard deviation; keeps the loss of sharpness in moving out of the cost
GAIN = 0.95  # the field is used if it costs at most this share of none
EXACT_SHARE = 0.5  # if more of the body's outline coincides, the frames match as they are
LEAST_OUTLINE_PX = 12
BLURS_PX = (0.0, 0.8, 1.6, 2.4, 3.2)  # blurs of the base that are tried, as the clothed frame may be less sharp
BORDER = 1 / 8  # margin around the figure, as a share of its longer side


def registered_base(base: np.ndarray, clothed: np.ndarray, probability: np.ndarray) -> np.ndarray | None:
    """Move the base to the clothed frame's body, and blur it as that is blurred.

    Args:
        base: (H, W, 4) uint8 RGBA.
        clothed: (H, W, 4) uint8 RGBA.
        probability: (H, W) float32 in [0, 1], what is known of the clothing; only the rest is compared.

    Returns:
        (H, W, 4) uint8; None if the frames match as they are.
    """
    drawn = (base[..., 3] > 0) | (clothed[..., 3] > 0)
    side = max(drawn[around(drawn, 0)].shape) if drawn.any() else 0
    cloth = cv2.dilate(probability, np.ones((3, 3), np.uint8), iterations=1 + round(side * CLOTH_REACH))
    if not side or _outlines_coincide(base, clothed, cloth < MASK_THRESHOLD):
        return None
    box = around(drawn, round(side * BORDER))
    pair = [premultiplied_float(picture[box]) for picture in (base, clothed)]
    body = 1 - cloth[box]
    size = pair[0].shape[1::-1]
    factor = max(1.0, max(size) / WORKING_PX)
    field = find_field(*(_reduced(picture, factor) for picture in (*pair, body)))
    moved = _warped(pair[0], factor * cv2.resize(field, size, interpolation=cv2.INTER_LINEAR))
    light = _light(moved, pair[1], body)
    soft = [cv2.GaussianBlur(picture, (0, 0), COST_BLUR_PX) for picture in (pair[0], moved, pair[1])]
    if _cost(soft[1] * light, soft[2], body) >= GAIN * _cost(soft[0] * light, soft[2], body):
        return None
    blurred = [cv2.GaussianBlur(moved, (0, 0), blur) if blur else moved for blur in BLURS_PX]
    costs = [_cost(picture * light, pair[1], body) for picture in blurred]
    result = np.zeros_like(base)
    result[box] = straight_uint8(blurred[int(np.argmin(costs))])
    return result


def _outlines_coincide(base: np.ndarray, clothed: np.ndarray, body: np.ndarray) -> bool:
    """Whether much of the body's outline lies on the same pixels in both frames; `body` is (H, W) bool."""
    outlines = []
    for picture in (base, clothed):
        shape = (picture[..., 3] > 127).astype(np.uint8)
        outlines.append((shape > cv2.erode(shape, np.ones((3, 3), np.uint8))) & body)
    length = int(np.count_nonzero(outlines[0]))
    return length >= LEAST_OUTLINE_PX and int(np.count_nonzero(outlines[0] & outlines[1])) > EXACT_SHARE * length


def find_field(base: np.ndarray, clothed: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Find where each pixel of the clothed frame lies in the base frame.

    Args:
        base: (H, W, 4) float32 in [0, 1], premultiplied.
        clothed: (H, W, 4) float32 of the same size.
        body: (H, W) float32 in [0, 1], weights of the clothed frame's pixels.

    Returns:
        (H, W, 2) float32 displacements in px, x and y: clothed[y, x] shows what base[y + dy, x + dx] shows.
    """
    height, width = base.shape[:2]
    affine = np.zeros((2, 3))
    field = np.zeros((height, width, 2), np.float32)
    for level, steps, mismatch in zip(LEVELS, STEPS, MISMATCH, strict=True):
        size = max(1, width // level), max(1, height // level)
        pair = [_blurred(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)) for picture in (base, clothed)]
        pair.append(cv2.resize(body, size, interpolation=cv2.INTER_AREA))
        scale = np.array([size[0] / width, size[1] / height], np.float32)
        at = _places(size)
        if level == LEVELS[0]:
            for _ in range(steps):
                affine += _affine_step(pair, at, _affine_field(affine, at), mismatch)
            local = _affine_field(affine, at)
        else:
            local = cv2.resize(field, size, interpolation=cv2.INTER_LINEAR) * scale
        rigid = local.copy()
        for _ in range(steps):
            local = local + _local_step(pair, local, rigid, mismatch)
        field = cv2.resize(local, (width, height), interpolation=cv2.INTER_LINEAR) / scale
    return field


def _places(size: tuple[int, int]) -> np.ndarray:
    """Return (H, W, 3): 1 and the place of each pixel, -1 to 1 from edge to edge."""
    x, y = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]))
    return np.dstack([np.ones_like(x), x, y]).astype(np.float32)


def _affine_field(affine: np.ndarray, at: np.ndarray) -> np.ndarray:
    return (at @ affine.T).astype(np.float32)


def _mismatch(pair: list[np.ndarray], field: np.ndarray, mismatch: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the gradients (H, W, 4, 2) of the moved base, the difference (H, W, 4), and the weights (H, W)."""
    moved = _warped(pair[0], field)
    moved *= _light(moved, pair[1], pair[2])
    apart = pair[1] - moved
    gradients = np.stack([cv2.Scharr(moved, cv2.CV_32F, dx, dy, scale=1 / 32) for dx, dy in ((1, 0), (0, 1))], axis=-1)
    weight = pair[2] / (1 + (apart**2).sum(axis=2) / mismatch**2) ** 2
    return gradients, apart, weight


def _affine_step(pair: list[np.ndarray], at: np.ndarray, field: np.ndarray, mismatch: float) -> np.ndarray:
    """Return the change of the affine map, (2, 3), by weighted least squares over the figure."""
    gradients, apart, weight = _mismatch(pair, field, mismatch)
    rows = (gradients[..., :, None] * at[:, :, None, None, :]).reshape(*apart.shape, 6)  # d apart / d parameters
    left = np.einsum("yxci,yxcj,yx->ij", rows, rows, weight)
    right = np.einsum("yxci,yxc,yx->i", rows, apart, weight)
    return np.linalg.solve(left + 1e-3 * np.trace(left) / 6 * np.eye(6) + 1e-9 * np.eye(6), right).reshape(2, 3)


def _local_step(pair: list[np.ndarray], field: np.ndarray, rigid: np.ndarray, mismatch: float) -> np.ndarray:
    """Return the change of the field, (H, W, 2), by weighted least squares in a window around each pixel."""
    gradients, apart, weight = _mismatch(pair, field, mismatch)
    xx, xy, yy = ((gradients[..., a] * gradients[..., b]).sum(axis=2) * weight for a, b in ((0, 0), (0, 1), (1, 1)))
    x, y = ((gradients[..., a] * apart).sum(axis=2) * weight for a in (0, 1))
    hold = STIFFNESS * float((xx + yy).mean()) + 1e-9
    sums = cv2.GaussianBlur(np.dstack([xx, xy, yy]), (0, 0), WINDOW * max(weight.shape))
    right = cv2.GaussianBlur(np.dstack([x, y]), (0, 0), WINDOW * max(weight.shape)) + hold * (rigid - field)
    xx, xy, yy = sums[..., 0] + hold, sums[..., 1], sums[..., 2] + hold
    determinant = xx * yy - xy**2
    step = np.dstack([yy * right[..., 0] - xy * right[..., 1], xx * right[..., 1] - xy * right[..., 0]])
    return (step / determinant[..., None]).clip(-2, 2)


def _warped(picture: np.ndarray, field: np.ndarray) -> np.ndarray:
    height, width = field.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(picture, x + field[..., 0], y + field[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _light(moved: np.ndarray, clothed: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Return the gain of each channel from the base to the clothed frame, (4,) float32; 1 for alpha."""
    both = (moved[..., 3] > 0.5) & (clothed[..., 3] > 0.5) & (body > 0.5)
    gain = light_between(moved[both][:, :3] * 255, clothed[both][:, :3] * 255) if both.any() else np.ones(3)
    return np.append(gain, 1).astype(np.float32)


def _cost(moved: np.ndarray, clothed: np.ndarray, body: np.ndarray) -> float:
    """Return the mean difference of colours, up to COST_LIMIT, where the body is drawn in either frame."""
    apart = np.minimum(np.abs(clothed - moved).max(axis=2), COST_LIMIT)
    weight = body * ((moved[..., 3] > 0.02) | (clothed[..., 3] > 0.02))
    return float((apart * weight).sum() / max(weight.sum(), 1e-6))


def _blurred(picture: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), BLUR_PX)


def _reduced(picture: np.ndarray, factor: float) -> np.ndarray:
    size = round(picture.shape[1] / factor), round(picture.shape[0] / factor)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if factor > 1 else picture
