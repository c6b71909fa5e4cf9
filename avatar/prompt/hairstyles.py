"""Drawn hairstyle that comes closest to measured hair."""

_OF_LENGTH = {  # hairstyle where the shape is not known, or makes no difference
    "bald": "bald",
    "receding": "receding",
    "very short": "buzz cut",
    "short": "side parting",
    "medium": "medium straight",
    "long": "long straight",
}
_OF_SHAPE = {  # by length and shape
    "very short": {"curly": "short coils", "coily": "short coils"},
    "short": {
        **{"fringe": "short layered", "layered": "short layered"},
        **{"curly": "short curls", "coily": "short coils", "tied": "top bun"},
    },
    "medium": {"fringe": "bob", "wavy": "medium wavy", "curly": "medium curly", "coily": "afro", "tied": "low bun"},
    "long": {"wavy": "long wavy", "curly": "long curly", "coily": "afro", "tied": "ponytail"},
}


def hairstyle_for(length: str, shape: str, colour: str = "") -> str:
    """Choose the drawn hairstyle for measured hair.

    Args:
        length: "bald", "receding", "very short", "short", "medium" or "long".
        shape: "straight", "wavy", "curly", "coily", "parting", "fringe", "layered" or "tied"; "" where it is not known.
        colour: colour of the hair; of a bald head it is that of hair at the sides. "" where none is known.

    Returns:
        A value of avatar.drawing.wordings.HAIRSTYLES.

    Raises:
        KeyError: no such length.
    """
    if length == "bald" and colour:
        return "crown bald"
    return _OF_SHAPE.get(length, {}).get(shape, _OF_LENGTH[length])
