"""Clothes and accessories of each genre, for prompts and drawn avatars.

Kinds and colours are the plain words from which a model learns; each wording contains its kind and adds details.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Garment:
    """A garment of the upper body.

    Attributes:
        kind: plain name, contained in every wording.
        wordings: phrases for a prompt, with "{colour}" as placeholder.
        colours: colours that suit the genre.
    """

    kind: str
    wordings: tuple[str, ...]
    colours: tuple[str, ...]


@dataclass(frozen=True)
class Adornment:
    """Something worn or held in addition.

    Attributes:
        kind: plain name, contained in every wording.
        place: "head", "face", "ears", "neck" or "hands"; a person wears one accessory at each.
        wordings: phrases for a prompt.
    """

    kind: str
    place: str
    wordings: tuple[str, ...]


GARMENTS: dict[str, Garment] = {
    "pop": Garment(
        "sequin jacket",
        (
            "{colour} sequin jacket that catches the stage lights",
            "dazzling {colour} sequin jacket with glossy satin cuffs",
            "cropped {colour} sequin jacket, every sequin sparkling",
        ),
        ("pink", "turquoise", "purple", "white"),
    ),
    "rock": Garment(
        "leather jacket",
        (
            "worn {colour} leather jacket with silver zips",
            "{colour} leather jacket with a turned-up collar and chrome buckles",
            "vintage {colour} leather jacket with enamel pins on the lapel",
        ),
        ("black", "brown", "red"),
    ),
    "indie": Garment(
        "striped jumper",
        (
            "chunky {colour} striped jumper with rolled sleeves",
            "hand-knitted {colour} striped jumper, slightly too big",
            "cosy {colour} striped jumper with a shirt collar peeking out",
        ),
        ("yellow", "green", "orange", "blue"),
    ),
    "metal": Garment(
        "battle vest",
        (
            "{colour} denim battle vest covered in embroidered patches",
            "{colour} battle vest studded with steel spikes and band patches",
            "sleeveless {colour} battle vest with frayed seams and chains",
        ),
        ("black", "blue", "red"),
    ),
    "punk": Garment(
        "tartan shirt",
        (
            "ripped {colour} tartan shirt held together by safety pins",
            "{colour} tartan shirt with cut-off sleeves and hand-sewn badges",
            "crumpled {colour} tartan shirt with zips and studs",
        ),
        ("red", "green", "yellow"),
    ),
    "electronic": Garment(
        "windbreaker",
        (
            "reflective {colour} windbreaker with glowing seams",
            "glossy {colour} windbreaker with neon piping",
            "futuristic {colour} windbreaker lit by laser light",
        ),
        ("turquoise", "purple", "green", "pink"),
    ),
    "hiphop": Garment(
        "hoodie",
        (
            "oversized {colour} hoodie with heavy drawstrings",
            "boxy {colour} hoodie with bold embroidery on the chest",
            "thick {colour} hoodie with the hood down and crisp ribbed cuffs",
        ),
        ("white", "red", "blue", "black"),
    ),
    "latin": Garment(
        "ruffled shirt",
        (
            "silky {colour} ruffled shirt with an open collar",
            "{colour} ruffled shirt with swirling rumba sleeves",
            "bright {colour} ruffled shirt made for dancing salsa",
        ),
        ("red", "orange", "turquoise", "white"),
    ),
    "reggae": Garment(
        "tie-dye shirt",
        (
            "sun-faded {colour} tie-dye shirt with a swirling spiral",
            "loose {colour} tie-dye shirt in soft washed cotton",
            "{colour} tie-dye shirt with sunburst rings",
        ),
        ("green", "yellow", "orange", "red"),
    ),
    "soul": Garment(
        "wide-lapel suit",
        (
            "velvet {colour} wide-lapel suit straight from the disco",
            "shimmering {colour} wide-lapel suit over an open satin shirt",
            "tailored {colour} wide-lapel suit with a silk pocket square",
        ),
        ("purple", "orange", "white", "pink"),
    ),
    "jazz": Garment(
        "waistcoat",
        (
            "pinstriped {colour} waistcoat over a white shirt with sleeve garters",
            "fitted {colour} waistcoat with a pocket-watch chain",
            "{colour} satin-backed waistcoat over a crisp white shirt",
        ),
        ("blue", "black", "brown", "purple"),
    ),
    "folk": Garment(
        "fringed jacket",
        (
            "soft {colour} suede fringed jacket with wooden buttons",
            "{colour} fringed jacket with embroidered wildflowers",
            "well-travelled {colour} fringed jacket with long swaying tassels",
        ),
        ("brown", "orange", "green", "white"),
    ),
    "classical": Garment(
        "tailcoat",
        (
            "elegant {colour} tailcoat with a starched white shirt front",
            "{colour} conductor's tailcoat with silk lapels",
            "velvet {colour} tailcoat with polished buttons",
        ),
        ("black", "blue", "purple"),
    ),
    "world": Garment(
        "embroidered tunic",
        (
            "flowing {colour} embroidered tunic with golden thread",
            "{colour} embroidered tunic with bold geometric borders",
            "handwoven {colour} embroidered tunic with tiny mirrors",
        ),
        ("red", "orange", "turquoise", "purple"),
    ),
}

# At least three places per genre, so that three accessories of any three genres never need the same place.
ACCESSORIES: dict[str, tuple[Adornment, ...]] = {
    "pop": (
        Adornment("bow", "head", ("big satin bow in the hair", "oversized glitter bow on the head")),
        Adornment("star-shaped glasses", "face", ("mirrored star-shaped glasses", "pink star-shaped glasses")),
        Adornment("heart-shaped glasses", "face", ("red heart-shaped glasses", "glossy heart-shaped glasses")),
        Adornment("bead necklace", "neck", ("candy-coloured bead necklace", "bead necklace of tiny hearts")),
    ),
    "rock": (
        Adornment("bandana", "head", ("paisley bandana tied around the head", "faded red bandana on the head")),
        Adornment("sunglasses", "face", ("dark aviator sunglasses", "gold-rimmed aviator sunglasses")),
        Adornment("studded choker", "neck", ("dark leather studded choker", "studded choker with silver studs")),
        Adornment("electric guitar", "hands", ("vintage electric guitar", "scratched sunburst electric guitar")),
    ),
    "indie": (
        Adornment("beanie", "head", ("ribbed knit beanie", "slouchy mustard beanie with a rolled brim")),
        Adornment("round glasses", "face", ("thin round glasses", "tortoiseshell round glasses")),
        Adornment("scarf", "neck", ("long hand-knitted scarf", "loosely looped woollen scarf")),
    ),
    "metal": (
        Adornment("horned helmet", "head", ("dark steel horned helmet", "horned helmet with engraved runes")),
        Adornment("studded choker", "neck", ("studded choker with steel spikes", "heavy leather studded choker")),
        Adornment("wristbands", "hands", ("spiked leather wristbands", "wristbands full of pointed studs")),
    ),
    "punk": (
        Adornment("studded choker", "neck", ("studded choker with a padlock", "red leather studded choker")),
        Adornment("nose ring", "face", ("small silver nose ring", "nose ring with a fine chain")),
        Adornment("safety-pin earrings", "ears", ("silver safety-pin earrings", "mismatched safety-pin earrings")),
    ),
    "electronic": (
        Adornment("headphones", "head", ("glowing DJ headphones", "big headphones with neon rings")),
        Adornment("square glasses", "face", ("luminous square glasses", "square glasses with holographic lenses")),
        Adornment("bead necklace", "neck", ("bright neon bead necklace", "bead necklace with glowing beads")),
        Adornment("glow bracelets", "hands", ("stack of glow bracelets", "bright neon glow bracelets")),
    ),
    "hiphop": (
        Adornment("cap", "head", ("flat-brimmed cap", "cap with gold embroidery, worn backwards")),
        Adornment("gold chain", "neck", ("chunky gold chain", "heavy gold chain with a boombox pendant")),
        Adornment("sunglasses", "face", ("diamond-studded sunglasses", "wide mirrored sunglasses")),
    ),
    "latin": (
        Adornment("straw hat", "head", ("woven straw hat with a bright ribbon", "straw hat tilted over one eye")),
        Adornment("hoop earrings", "ears", ("big golden hoop earrings", "hoop earrings with hibiscus flowers")),
        Adornment("bead necklace", "neck", ("bright bead necklace", "long bead necklace of bright colours")),
        Adornment("maracas", "hands", ("pair of painted maracas", "maracas with carved handles")),
    ),
    "reggae": (
        Adornment("tam", "head", ("crocheted tam in red, gold and green", "slouchy knitted tam")),
        Adornment("round glasses", "face", ("round glasses with amber lenses", "round glasses with green lenses")),
        Adornment("wooden necklace", "neck", ("carved wooden necklace", "wooden necklace with cowrie shells")),
    ),
    "soul": (
        Adornment("hoop earrings", "ears", ("enormous gold hoop earrings", "hoop earrings that shine like records")),
        Adornment("sunglasses", "face", ("oversized tinted sunglasses", "amber disco sunglasses")),
        Adornment("neck scarf", "neck", ("patterned silk neck scarf", "knotted satin neck scarf")),
    ),
    "jazz": (
        Adornment("fedora", "head", ("felt fedora with a satin band", "fedora tipped low over the brow")),
        Adornment("sunglasses", "face", ("slim black sunglasses", "smoky sunglasses of the bebop era")),
        Adornment("neck scarf", "neck", ("slim silk neck scarf", "loosely knotted silk neck scarf")),
        Adornment("saxophone", "hands", ("gleaming brass saxophone", "well-loved golden saxophone")),
    ),
    "folk": (
        Adornment("cowboy hat", "head", ("weathered cowboy hat", "suede cowboy hat with a feather")),
        Adornment("flower crown", "head", ("flower crown of meadow flowers", "flower crown with daisies and poppies")),
        Adornment("neckerchief", "neck", ("knotted checked neckerchief", "indigo neckerchief with white dots")),
        Adornment("banjo", "hands", ("small wooden banjo", "hand-painted banjo")),
    ),
    "classical": (
        Adornment("pearl necklace", "neck", ("fine pearl necklace", "double row pearl necklace")),
        Adornment("round glasses", "face", ("gold-rimmed round glasses", "antique round glasses on a thin chain")),
        Adornment("violin", "hands", ("polished violin with its bow", "antique violin of honey-coloured wood")),
    ),
    "world": (
        Adornment("carnation", "head", ("red carnation in the hair", "carnation tucked behind the ear")),
        Adornment("hoop earrings", "ears", ("filigree hoop earrings", "hoop earrings with turquoise beads")),
        Adornment("wooden necklace", "neck", ("hand-painted wooden necklace", "wooden necklace with turquoise beads")),
        Adornment("folding fan", "hands", ("painted folding fan", "lace-edged folding fan")),
    ),
}

# For a person without any preference.
NEUTRAL_GARMENT = Garment(
    "denim jacket",
    ("soft {colour} denim jacket over a plain tee", "relaxed {colour} denim jacket with festival wristbands"),
    ("blue", "white", "turquoise"),
)
NEUTRAL_ACCESSORIES: tuple[Adornment, ...] = (
    Adornment("bucket hat", "head", ("canvas bucket hat", "sun-bleached bucket hat")),
    Adornment("sunglasses", "face", ("simple round sunglasses", "sunglasses that mirror the sky")),
    Adornment("festival pass", "neck", ("festival pass on a woven ribbon", "festival pass around the neck")),
)
