"""Person detection by SSDLite (Liu et al. 2016, arXiv:1512.02325; Sandler et al. 2018, arXiv:1801.04381) in OpenCV.

The weights are a frozen TensorFlow graph. OpenCV cannot run its loops for resizing and non-maximum suppression, so only
the network between them is loaded, and its predictions for the anchor boxes are decoded here.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

INPUT = "Preprocessor/sub"  # the photo at INPUT_PX x INPUT_PX, from -1 to 1
INPUT_PX = 300
GRIDS = (19, 10, 5, 3, 2, 1)  # cells along a side of the six feature maps
SCALES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)  # size of each feature map's anchors, as a share of the photo
RATIOS = (1.0, 2.0, 0.5, 3.0, 1 / 3)  # width over height of the anchors
CENTRE_VARIANCE, SIZE_VARIANCE = 10, 5  # factors of the offsets in training
CANDIDATE = 0.05  # boxes below this score are dropped at once
SAME_IOU = 0.55  # boxes with a larger intersection over union are one person

WIDE = 1.3  # width over height above which the network's square makes people too narrow
TILE_OVERLAP = 0.3  # overlap of neighbouring tiles, as a share of a tile
MOST_TILES = 5  # maximum number of tiles along the photo's longer side, not counting overlaps
TILE_MARGIN = 0.03  # a box nearer to the inner edge of a tile, as a share of the tile, shows a person cut in two


class PersonDetector:
    """Detects people who stand, walk or sit upright."""

    def __init__(self, graph: Path):
        """Args: graph: `person-ssdlite.pb`, verified by its SHA-256."""
        kinds = ("BoxEncodingPredictor", "ClassPredictor")
        layers = [[f"BoxPredictor_{level}/{kind}" for level in range(len(GRIDS))] for kind in kinds]
        wanted = [f"{layer}/BiasAdd" for kind in layers for layer in kind]
        kept = np.frombuffer(cut_graph(graph.read_bytes(), wanted), np.uint8)
        self._net = cv2.dnn.readNetFromTensorflow(kept)
        self._outputs = [f"{layer}/Conv2D" for kind in layers for layer in kind]  # OpenCV merges it with BiasAdd
        self._anchors = anchor_boxes()

    def find_boxes(self, photo: np.ndarray, min_score: float, tile_px: int) -> tuple[np.ndarray, np.ndarray]:
        """Detect people in the whole photo and, if it is larger than a tile, in each of its tiles.

        Args:
            photo: (H, W, 3) uint8 RGB.
            min_score: minimum score of a box, 0 to 1.
            tile_px: side of the square tiles.

        Returns:
            Boxes, (N, 4) float XYXY px inside the photo, and scores (N,), the highest first.
        """
        boxes, scores = self._detect(photo)
        found = [(boxes, scores)]
        for left, top, right, bottom in tiles(photo.shape[1], photo.shape[0], tile_px):
            boxes, scores = self._detect(photo[top:bottom, left:right])
            whole = _away_from_inner_edges(boxes, (left, top, right, bottom), photo.shape)
            found.append((boxes[whole] + (left, top, left, top), scores[whole]))
        boxes = np.concatenate([boxes for boxes, _ in found])
        scores = np.concatenate([scores for _, scores in found])
        corners_and_sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
        kept = np.array(cv2.dnn.NMSBoxes(corners_and_sizes.tolist(), scores.tolist(), min_score, SAME_IOU), int)
        return boxes[kept].reshape(-1, 4), scores[kept].reshape(-1)

    def _detect(self, photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Boxes, clipped to the photo, and scores of all anchors above CANDIDATE."""
        pixels = cv2.resize(photo, (INPUT_PX, INPUT_PX)).astype(np.float32) * (2 / 255) - 1
        self._net.setInput(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]))
        maps = self._net.forward(self._outputs)
        offsets, logits = (
            np.concatenate([_by_anchor(output, values) for output in part])
            for part, values in ((maps[: len(GRIDS)], 4), (maps[len(GRIDS) :], 2))
        )
        scores = 1 / (1 + np.exp(-logits[:, 1]))
        likely = scores > CANDIDATE
        size = np.tile(photo.shape[1::-1], 2)
        return (decode_boxes(offsets[likely], self._anchors[likely]) * size).clip(0, size), scores[likely]


def _by_anchor(output: np.ndarray, values: int) -> np.ndarray:
    """Reshape (1, anchors * values, rows, columns) to (rows * columns * anchors, values)."""
    return output[0].transpose(1, 2, 0).reshape(-1, values)


def anchor_boxes() -> np.ndarray:
    """The (1917, 4) anchors as centre x, centre y, width, height in shares of the photo, in the network's order."""
    anchors = []
    for level, cells in enumerate(GRIDS):
        scale, between = SCALES[level], float(np.sqrt(SCALES[level] * SCALES[level + 1]))
        shapes = [(scale, ratio) for ratio in RATIOS] + [(between, 1.0)]
        if level == 0:  # the finest map has fewer
            shapes = [(scale / 2, 1.0), (scale, 2.0), (scale, 0.5)]
        sizes = [(side * ratio**0.5, side / ratio**0.5) for side, ratio in shapes]
        for y, x in np.ndindex(cells, cells):
            anchors += [((x + 0.5) / cells, (y + 0.5) / cells, width, height) for width, height in sizes]
    return np.array(anchors)


def decode_boxes(offsets: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Decode offsets from anchors to boxes.

    Args:
        offsets: (N, 4) as y, x, height, width.
        anchors: (N, 4), rows of `anchor_boxes`.

    Returns:
        (N, 4) XYXY, shares of the photo.
    """
    centre = offsets[:, 1::-1] / CENTRE_VARIANCE * anchors[:, 2:] + anchors[:, :2]
    half = np.exp(offsets[:, :1:-1] / SIZE_VARIANCE) * anchors[:, 2:] / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def tiles(width: int, height: int, tile_px: int) -> list[tuple[int, int, int, int]]:
    """Overlapping tiles that cover a photo, XYXY px; none if the photo is hardly larger than a tile and not wide.

    Tiles are square unless the photo is narrower than a tile. In very large photos they grow with the photo.
    """
    if max(width, height) < 1.5 * tile_px and width < WIDE * height:
        return []
    side = max(min(tile_px, width, height), max(width, height) // MOST_TILES)
    spans = []
    for length in (width, height):
        own = min(side, length)
        starts = np.linspace(0, length - own, 1 + int(np.ceil((length - own) / (own * (1 - TILE_OVERLAP)))))
        spans.append([(int(start), int(start) + own) for start in starts])
    return [(left, top, right, bottom) for top, bottom in spans[1] for left, right in spans[0]]


def _away_from_inner_edges(
    boxes: np.ndarray, tile: tuple[int, int, int, int], photo_shape: tuple[int, ...]
) -> np.ndarray:
    """Which boxes (in px of the tile) do not touch those edges of the tile that lie inside the photo."""
    left, top, right, bottom = tile
    margin = TILE_MARGIN * max(right - left, bottom - top)
    inner = np.array([left > 0, top > 0, right < photo_shape[1], bottom < photo_shape[0]])
    distance = np.concatenate([boxes[:, :2], (right - left, bottom - top) - boxes[:, 2:]], axis=1)
    return ~((distance < margin) & inner).any(axis=1)


# ---- the frozen graph, a protocol buffer: https://protobuf.dev/programming-guides/encoding ----


def cut_graph(graph: bytes, outputs: list[str]) -> bytes:
    """Extract the nodes between INPUT and the outputs, with a placeholder as INPUT.

    Args:
        graph: a serialised GraphDef: field 1 holds the nodes; in a node, field 1 is the name and 3 the inputs.
        outputs: names of nodes.
    """
    nodes: dict[str, tuple[list[str], bytes]] = {}
    for number, node in _fields(graph):
        if number == 1:
            parts = list(_fields(node))
            name = next(value for field, value in parts if field == 1).decode()
            nodes[name] = ([value.decode() for field, value in parts if field == 3], node)
    needed, rest = set[str](), list(outputs)
    while rest:
        name = rest.pop().lstrip("^").partition(":")[0]
        if name not in needed and name != INPUT:
            needed.add(name)
            rest += nodes[name][0]
    float32 = _field(1, b"dtype") + _field(2, b"\x30\x01")  # an attribute: its type (field 6) is DT_FLOAT (1)
    placeholder = _field(1, INPUT.encode()) + _field(2, b"Placeholder") + _field(5, float32)
    return b"".join(_field(1, node) for node in (placeholder, *(n for name, (_, n) in nodes.items() if name in needed)))


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of the length-delimited fields of a message; skips other fields."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind = key & 7
        if kind == 2:
            length, place = _varint(message, place)
            yield key >> 3, message[place : place + length]
            place += length
        elif kind == 0:
            _, place = _varint(message, place)
        else:
            place += {1: 8, 5: 4}[kind]


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """Read a variable-length integer; returns it and the place behind it."""
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place


def _field(number: int, content: bytes) -> bytes:
    """Encode a length-delimited field of a message."""
    length, rest = b"", len(content)
    while rest > 127:
        length, rest = length + bytes([128 | rest & 127]), rest >> 7
    return bytes([number << 3 | 2]) + length + bytes([rest]) + content
