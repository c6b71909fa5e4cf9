"""The figure that the drawn world draws of a person: what the prompt says, in the measured colours of skin and hair."""

import hashlib
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import cv2
import numpy as np
from PIL import Image

from avatar.drawing import wordings
from avatar.drawing.attributes import CHOICES, VARIATIONS, Attributes
from avatar.drawing.avatars import draw_avatar
from avatar.drawing.backdrops import draw_backdrop
from avatar.drawing.palette import BACKDROPS, GARMENT_COLOURS, HAIR_COLOURS, SKINS, Style, Tones, to_oklab
from avatar.likeness.caption_reading import read_attributes
from avatar.likeness.colour_keeping import keep_colours, keep_lines
from avatar.person.features import AppearanceTrait, Features
from avatar.person.skin_tone import is_skin_step
from avatar.prompt.appearance_words import appearance_words
from avatar.prompt.hairstyles import hairstyle_for
from avatar.prompt.syntax import Phrase
from common.people.edges import decontaminate

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
INVENTED = {  # what is chosen by the seed for somebody without a photo, of whom nothing is known
    "skin": tuple(SKINS),
    "face": CHOICES["face"],
    "eyes": CHOICES["eyes"],
    "hair": ("side parting", "short layered", "short coils", "medium wavy", "medium curly", "long straight", "afro"),
    "hair_colour": ("black", "black", "brown", "brown", "blonde", "ginger"),
}
OWN_COLOUR = ("hat", "cap", "beanie", "headscarf", "turban")  # headwear that is drawn in the colour that was measured
WORN_COLOUR, GARMENT_COLOUR, LIP_COLOUR = "headwear_lab", "garment_lab", "lips_lab"  # guesses of colours, "L a b"
MEASURED_COLOURS = (WORN_COLOUR, GARMENT_COLOUR, LIP_COLOUR)
DARKEST_CLOTH, LIGHTEST_CLOTH = 16.0, 95.0  # L between which seams and folds are seen
CLOSER_HEADWEAR = {"cap": ("beanie",), "headscarf": ("turban",)}  # kinds that a word includes
DRAWN_LENGTHS = ("short", "medium", "long")  # of hair, whose shape makes a difference
EXPRESSIONS = ("smile", "smile", "calm")
FITTING_BACKDROPS = 3  # number of backdrops, those least like the figure, of which one is chosen
MOST_SKIN_LAB, MOST_HAIR_LAB = 8.0, 16.0  # largest distance of a drawn colour from the one that its word names
CLEAR_LAB = 4.0  # by which a drawn colour is nearer to its word than to any other: less is misread


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

    def cut_out(self, picture: Image.Image, style: Style) -> Image.Image:
        """Cut a square RGB picture that was made from the figure out along the figure's outline; RGBA."""
        alpha_u8 = draw_avatar(self.looks, picture.width, style, self.tones)[1]
        colours = decontaminate(np.asarray(picture), alpha_u8.astype(np.float32) / 255)
        return Image.fromarray(np.dstack([colours * (alpha_u8 > 0)[..., None], alpha_u8]))

    def keep(self, picture: Image.Image, style: Style = "plain") -> Image.Image:
        """A picture that was made from this figure, RGB, with the figure's colours, thin lines and outline.

        Lines, and the ground around the figure, are those of the drawing; surfaces are those of the picture.

        Args:
            picture: RGB, square.
            style: style in which the figure was drawn.
        """
        side = picture.width
        pixels, alpha_u8 = draw_avatar(self.looks, side, style, self.tones)
        drawn = Image.fromarray(pixels)
        return keep_lines(keep_colours(picture, drawn), drawn, 1 - alpha_u8 / np.float32(255))

    def in_front(self, person: Image.Image) -> Image.Image:
        """Put a cut-out of the person, a square RGBA, in front of the figure's backdrop; RGB."""
        ground = draw_backdrop(self.looks.backdrop, self.looks.pattern, person.width, "plain")
        return Image.alpha_composite(Image.fromarray(ground).convert("RGBA"), person).convert("RGB")


def draw_up_figure(
    features: Features, prompt: str, seed: int, guesses: Mapping[str, str] = MappingProxyType({})
) -> Figure:
    """Choose the attributes of a person's figure.

    The prompt goes before what was measured; what neither says is chosen: the proportions of the face by the photo
    or name, expression and backdrop by the seed, and so are skin and hair of somebody without a photo, of whom
    nothing is known. The backdrop differs from skin, hair and garment.

    Args:
        features: features of the person.
        prompt: prompt of the picture.
        seed: seed of the picture.
        guesses: attributes that count where nothing says them, and MEASURED_COLOURS.
    """
    rng = random.Random(seed)
    said = read_attributes(", ".join(appearance_words(features.appearance))) | read_attributes(prompt)
    garment = rng.choice(wordings.EVERY_GARMENT)
    chosen = {
        "expression": rng.choice(EXPRESSIONS),
        "garment": garment.kind,
        "garment_colour": rng.choice(garment.colours),
        "backdrop": "cream",
        **guesses,
    }
    if not features.photo_sha256 and not any(trait.value for trait in features.appearance.values()):
        chosen |= {name: rng.choice(values) for name, values in INVENTED.items()}
    name = hashlib.sha256((features.photo_sha256 or features.name).encode()).digest()
    if said.get("hair_colour") in GREY:
        chosen["age"] = "middle-aged"
    labs = {colour: chosen.pop(colour, "") for colour in MEASURED_COLOURS}
    said = {name: value for name, value in said.items() if not _is_open(name, features.appearance, said, guesses)}
    looks = Attributes(**UNSAID | chosen | said, variation=int.from_bytes(name[:4]) % VARIATIONS)
    tones = measured_tones(features.appearance, looks)
    worn = {
        "headwear": labs[WORN_COLOUR] if looks.headwear in OWN_COLOUR else "",
        "garment": labs[GARMENT_COLOUR] if looks.garment_colour == guesses.get("garment_colour") else "",
        "lips": labs[LIP_COLOUR],
    }
    tones = replace(tones, **{part: drawn_cloth(lab, features.appearance, tones) for part, lab in worn.items() if lab})
    if "backdrop" not in said:
        looks = replace(looks, backdrop=rng.choice(unlike_backdrops(looks, tones)))
    return Figure(looks, tones, frozenset(said))


def _is_open(
    name: str, traits: Mapping[str, AppearanceTrait], said: Mapping[str, str], guesses: Mapping[str, str]
) -> bool:
    """Whether a word stands for several drawn kinds, of which the photo shows the closest one: unsure shapes, caps."""
    length, shape = (traits.get(f"hair_{part}", AppearanceTrait()) for part in ("length", "shape"))
    if name == "hair" and name in guesses and length.source == "measured" and not shape.value:
        return length.value in DRAWN_LENGTHS and said[name] == hairstyle_for(length.value, "")
    if name == "headwear" and traits.get(name, AppearanceTrait()).source == "measured":
        return guesses.get(name) in CLOSER_HEADWEAR.get(said[name], ())
    return False


def measured_tones(traits: Mapping[str, AppearanceTrait], looks: Attributes) -> Tones:
    """Colours of skin and hair as they were measured, where no edited word contradicts them.

    A drawing is brighter than a photo: hair becomes lighter by the factor by which skin does.
    """
    skin, hair = (traits.get(name, AppearanceTrait()) for name in ("skin_tone", "hair_colour"))
    skin_lab, hair_lab = (trait.lab if trait.source == "measured" else None for trait in (skin, hair))
    if not is_skin_step(skin.value, skin.monk):
        skin_lab = None
    alike = [name for step, name in enumerate(SKINS, start=1) if is_skin_step(skin.value, step)]
    drawn_skin = _near(skin_lab, SKINS, looks.skin, alike, MOST_SKIN_LAB)
    if skin_lab and hair_lab and drawn_skin:
        hair_lab = brighter(hair_lab, skin_lab[0], float(lab_of(drawn_skin)[0]))
    shades = GREY if looks.hair_colour in GREY else (looks.hair_colour,)
    return Tones(drawn_skin, _near(hair_lab, HAIR_COLOURS, looks.hair_colour, shades, MOST_HAIR_LAB))


def drawn_cloth(lab: str, traits: Mapping[str, AppearanceTrait], tones: Tones) -> str:
    """Colour "#rrggbb" of cloth that was measured as "L a b", as much brighter as the skin is drawn."""
    lightness, a, b = (float(value) for value in lab.split())
    seen = traits.get("skin_tone", AppearanceTrait()).lab
    if seen is not None and tones.skin is not None:
        lightness, a, b = brighter((lightness, a, b), seen[0], float(lab_of(tones.skin)[0]))
    return hex_of(np.array([np.clip(lightness, DARKEST_CLOTH, LIGHTEST_CLOTH), a, b]))


def brighter(lab: tuple[float, float, float], seen: float, drawn: float) -> tuple[float, float, float]:
    """Lab of a colour in the light in which skin of lightness `seen` has the lightness `drawn`, at least as bright.

    Lab is nearly the cube root of light, so that the same factor holds for all three channels.
    """
    factor = max(1.0, (drawn + 16) / (seen + 16))
    return (lab[0] + 16) * factor - 16, lab[1] * factor, lab[2] * factor


def unlike_backdrops(looks: Attributes, tones: Tones) -> list[str]:
    """Backdrops that differ most from the colours of the figure, best first."""
    hair = tones.hair or HAIR_COLOURS[looks.hair_colour]
    garment = tones.garment or GARMENT_COLOURS[looks.garment_colour]
    worn = [tones.skin or SKINS[looks.skin], tones.headwear or hair, garment]
    figure = np.array([to_oklab(colour) for colour in worn])

    def distance(backdrop: str) -> float:
        ground = BACKDROPS[backdrop]
        apart = [figure - to_oklab(colour) for colour in (ground.top, ground.bottom)]
        return float(np.linalg.norm(apart, axis=-1).min())

    return sorted(BACKDROPS, key=distance, reverse=True)[:FITTING_BACKDROPS]


def _near(
    lab: tuple[float, float, float] | None, named: Mapping[str, str], name: str, alike: Collection[str], most: float
) -> str | None:
    """The measured colour, moved towards the named one as far as it is too unlike: light and shadow change photos.

    Args:
        lab: colour of skin or hair in CIE Lab.
        named: colours of the drawn world by name.
        name: the one that is drawn if nothing is measured.
        alike: names of which one is to be the nearest to the result, by CLEAR_LAB.
        most: largest distance from the named colour, Lab.
    """
    if lab is None or name not in alike:
        return None
    labs = {other: lab_of(colour) for other, colour in named.items()}
    apart = np.array(lab) - labs[name]
    for share in np.linspace(min(1.0, most / max(float(np.linalg.norm(apart)), 1e-6)), 0, 21):
        colour = labs[name] + share * apart
        distances = {other: float(np.linalg.norm(other_lab - colour)) for other, other_lab in labs.items()}
        others = [distance for other, distance in distances.items() if other not in alike]
        if min(distances[other] for other in alike) + CLEAR_LAB <= min(others):
            return hex_of(colour)
    return None


def lab_of(colour: str) -> np.ndarray:
    """Convert "#rrggbb" to (3,) Lab, L from 0 to 100."""
    rgb = np.array([[[int(colour[at : at + 2], 16) for at in (1, 3, 5)]]], np.float32)
    return cv2.cvtColor(rgb / 255, cv2.COLOR_RGB2LAB)[0, 0].astype(np.float64)


def hex_of(lab: np.ndarray) -> str:
    """Convert (3,) Lab to "#rrggbb", clipped to sRGB."""
    rgb = cv2.cvtColor(lab[None, None].astype(np.float32), cv2.COLOR_LAB2RGB)[0, 0]
    return "#" + "".join(f"{round(float(value) * 255):02x}" for value in rgb.clip(0, 1))
