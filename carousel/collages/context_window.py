"""The part of a photo or scene around a person."""

from common.people.selection import Box


def context_window(box: Box, shape: tuple[int, int], context: float) -> Box:
    """A square around a person, moved inside the picture, and cropped where the picture is smaller.

    Args:
        box: box of the person.
        shape: height and width of the picture, px.
        context: side of the square, in longer sides of the box.
    """
    side = round(context * max(box[2] - box[0], box[3] - box[1]))
    spans = [_span(box[axis], box[axis + 2], side, shape[1 - axis]) for axis in (0, 1)]
    return spans[0][0], spans[1][0], spans[0][1], spans[1][1]


def _span(first: int, last: int, side: int, limit: int) -> tuple[int, int]:
    start = max(0, min((first + last - side) // 2, limit - side))
    return start, min(start + side, limit)
