"""The figure that the drawn world draws of a person: what the prompt says, in the measured colours of skin and hair."""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from PIL import Image

from avatar.drawing import wordings
from avatar.drawing.attributes import VARIATIONS, Attributes
from avatar.drawing.avatars import draw_avatar
from avatar.drawing.backdrops import draw_backdrop
from avatar.drawing.palette import BACKDROPS, GARMENT_COLOURS, HAIR_COLOURS, SKINS, Style, Tones, to_oklab
from avatar.likeness.caption_reading import read_attributes
from avatar.person.features import AppearanceTrait, Features
from avatar.person.skin_tone import is_skin_step
from avatar.prompt.appearance_words import appearance_words
from avatar.prompt.syntax import Phrase

UNSAID = {  # what nobody knows of a person: nothing that would hide or change who it is
    "person": "person",
    "age": "young",
    "skin": "tan",
    "face": "oval",
    "eyes": "brown",
    "hair": "side parting",
    "hair_colour": "brown",
    "greying": "none",
    "beard": "none",
    "glasses": "none",
    "headwear": "none",
    "jewellery": "none",
    "pattern": "plain",
}
GREY = ("grey", "white")  # hair of these colours is drawn with some lines in the face
EXPRESSIONS = ("smile", "smile", "calm")
FITTING_BACKDROPS = 3  # number of backdrops, those least like the figure, of which one is chosen
MOST_SKIN_LAB, MOST_HAIR_LAB = 10.0, 14.0  # largest distance of a drawn colour from the one that its word names


@dataclass(frozen=True)
class Figure:
    """A character with a person's own colours.

    Attributes:
        looks: the character.
        tones: colours of skin and hair.
        said: names of the attributes that the person or the prompt names.
    """

    looks: Attributes
    tones: Tones
    said: frozenset[str]

    @property
    def phrases(self) -> list[Phrase]:
        """Words for what a prompt does not say by itself: lines in the face, expression and backdrop."""
        age = [] if self.looks.age == "young" or "age" in self.said else ["a few wrinkles"]
        expression = wordings.EXPRESSIONS[self.looks.expression][1]
        ground = wordings.PATTERNS[self.looks.pattern][0].format(self.looks.backdrop)
        return [Phrase(words, personal=True) for words in (*age, expression, ground)]

    def draw(self, size_px: int, style: Style = "plain") -> Image.Image:
        """Draw it, RGB."""
        return Image.fromarray(draw_avatar(self.looks, size_px, style, self.tones)[0])

    def in_front(self, person: Image.Image) -> Image.Image:
        """Put a cut-out of the person, a square RGBA, in front of the figure's backdrop; RGB."""
        ground = draw_backdrop(self.looks.backdrop, self.looks.pattern, person.width, "plain")
        return Image.alpha_composite(Image.fromarray(ground).convert("RGBA"), person).convert("RGB")


def draw_up_figure(features: Features, prompt: str, seed: int) -> Figure:
    """Choose the attributes of a person's figure.

    The prompt goes before what was measured; what neither says is chosen: the proportions of the face by the photo
    or name, expression and backdrop by the seed. The backdrop differs from skin, hair and garment.

    Args:
        features: features of the person.
        prompt: prompt of the picture.
        seed: seed of the picture.
    """
    rng = random.Random(seed)
    said = read_attributes(", ".join(appearance_words(features.appearance))) | read_attributes(prompt)
    garment = rng.choice(wordings.EVERY_GARMENT)
    chosen = {
        "expression": rng.choice(EXPRESSIONS),
        "garment": garment.kind,
        "garment_colour": rng.choice(garment.colours),
        "backdrop": "cream",
    }
    name = hashlib.sha256((features.photo_sha256 or features.name).encode()).digest()
    if said.get("hair_colour") in GREY:
        chosen["age"] = "middle-aged"
    looks = Attributes(**UNSAID | chosen | said, variation=int.from_bytes(name[:4]) % VARIATIONS)
    tones = measured_tones(features.appearance, looks)
    if "backdrop" not in said:
        looks = replace(looks, backdrop=rng.choice(unlike_backdrops(looks, tones)))
    return Figure(looks, tones, frozenset(said))


def measured_tones(traits: Mapping[str, AppearanceTrait], looks: Attributes) -> Tones:
    """Colours of skin and hair as they were measured, where no edited word contradicts them."""
    skin, hair = (traits.get(name, AppearanceTrait()) for name in ("skin_tone", "hair_colour"))
    if not is_skin_step(skin.value, skin.monk):
        skin = AppearanceTrait()
    return Tones(
        _near(SKINS[looks.skin], skin, MOST_SKIN_LAB), _near(HAIR_COLOURS[looks.hair_colour], hair, MOST_HAIR_LAB)
    )


def unlike_backdrops(looks: Attributes, tones: Tones) -> list[str]:
    """Backdrops that differ most from the colours of the figure, best first."""
    hair = tones.hair or HAIR_COLOURS[looks.hair_colour]
    worn = [tones.skin or SKINS[looks.skin], hair, GARMENT_COLOURS[looks.garment_colour]]
    figure = np.array([to_oklab(colour) for colour in worn])

    def distance(backdrop: str) -> float:
        ground = BACKDROPS[backdrop]
        apart = [figure - to_oklab(colour) for colour in (ground.top, ground.bottom)]
        return float(np.linalg.norm(apart, axis=-1).min())

    return sorted(BACKDROPS, key=distance, reverse=True)[:FITTING_BACKDROPS]


def _near(named: str, trait: AppearanceTrait, most: float) -> str | None:
    """The measured colour, moved towards the named one as far as it is too unlike: light and shadow change photos."""
    if trait.source != "measured" or trait.lab is None:
        return None
    goal = lab_of(named)
    apart = np.array(trait.lab) - goal
    return hex_of(goal + apart * min(1.0, most / max(float(np.linalg.norm(apart)), 1e-6)))


def lab_of(colour: str) -> np.ndarray:
    """Convert "#rrggbb" to (3,) Lab, L from 0 to 100."""
    rgb = np.array([[[int(colour[at : at + 2], 16) for at in (1, 3, 5)]]], np.float32)
    return cv2.cvtColor(rgb / 255, cv2.COLOR_RGB2LAB)[0, 0].astype(np.float64)


def hex_of(lab: np.ndarray) -> str:
    """Convert (3,) Lab to "#rrggbb", clipped to sRGB."""
    rgb = cv2.cvtColor(lab[None, None].astype(np.float32), cv2.COLOR_LAB2RGB)[0, 0]
    return "#" + "".join(f"{round(float(value) * 255):02x}" for value in rgb.clip(0, 1))
