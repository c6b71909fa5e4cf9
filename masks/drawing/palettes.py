"""Colour ramps: five tones per material, with a warmer hue in the light and a cooler one in the dark."""

from dataclasses import dataclass

HIGHLIGHT, LIGHT, SHADE, DEEP, LINE = range(5)  # tones of a ramp; LINE is for outlines


@dataclass(frozen=True)
class Ramp:
    """The tones of one material.

    Attributes:
        name: name of the material.
        tones: RGB in [0, 255] of HIGHLIGHT, LIGHT, SHADE, DEEP, LINE.
    """

    name: str
    tones: tuple[tuple[int, int, int], ...]


def _ramps(table: str) -> dict[str, Ramp]:
    ramps = {}
    for row in table.strip().splitlines():
        name, *colours = row.split()
        tones = tuple((int(c[:2], 16), int(c[2:4], 16), int(c[4:], 16)) for c in colours)
        ramps[name] = Ramp(name, tones)
    return ramps


SKINS = _ramps("""
porcelain  ffeadb fad2bd e5a796 c07b7c 7a3f50
peach      ffdcb8 f5bd94 d98d70 b0635a 6d3240
honey      f7cd94 e3a86c bd774c 91523f 562c33
umber      d79a6c b87348 8c4e38 643330 3b1c28
ebony      bd8069 965c4b 6e403b 4b2a31 2a1421
""")
BLUSHES = _ramps("""
porcelain  f7b5ac f7b5ac f7b5ac f7b5ac f7b5ac
peach      f09a80 f09a80 f09a80 f09a80 f09a80
honey      da8a5e da8a5e da8a5e da8a5e da8a5e
umber      aa5a40 aa5a40 aa5a40 aa5a40 aa5a40
ebony      8c4640 8c4640 8c4640 8c4640 8c4640
""")
HAIRS = _ramps("""
ink        5c6386 3b3f60 292a48 1d1b35 120f24
chestnut   b5784a 8a5138 66362f 482329 2c131f
ginger     fbb15a e37f38 b8532f 86352d 54202a
wheat      fff0a8 f2cd6c cf9a48 9c673a 603a33
silver     f6f8f6 d3dbe2 a3aec2 747a9b 454668
rose       ffc3cf f48faa c85f8d 8f3f75 552653
teal       8fe8cf 4cbfae 2f8c93 266071 1c3450
plum       b887c9 86559f 5f3a7d 43285f 281740
""")
EYES = _ramps("""
brown      e0a868 b5733c 6b3d2c 3a1f26 22121c
blue       8fd0f2 4a90d0 2f5fa3 24396f 161d3f
green      a9de7c 5fa85a 3c7650 274c42 162a2b
violet     cfa6ee 9468c9 65449a 412b6b 221640
""")
CLOTHS = _ramps("""
red        ff8f73 e2504c b23350 7c2350 461638
orange     ffc571 f29443 c9653a 934039 552534
mustard    ffe48a eebb4a c4883b 8d5c37 523332
leaf       bfe27c 7dbb55 4b8c51 32624c 1f3a3b
teal       8fe6cf 43b8a8 2d8590 265c70 1b3450
sky        b5ecff 6fc0ec 4b8ccb 3c5f9e 293a68
navy       6f8ac9 465a9e 323e78 252a57 171736
plum       cf9ade 9a62b4 6d428f 4a2d69 2b1a42
rose       ffc9d0 f590a8 c9638c 904473 552a52
cream      fffbea f2e5c8 d0b79c a0867f 625061
snow       ffffff e6ebf2 b6c1d6 838db0 4e5479
stone      c9ccd2 9a9fae 6e7289 4d4e69 2e2d45
coal       767b92 515570 383a54 272841 17172a
leather    d79c63 a86a42 7b4636 55302f 321b25
bark       9a7159 704b43 503337 38232d 20131f
denim      94b3d8 6488bb 466394 324671 202a4b
sand       f8dcae e0b884 b98a63 8a6052 55393f
""")
WHITE = CLOTHS["snow"]
UNDERWEAR = _ramps("linen e9e6e2 ccc7ce a29bab 746d85 413b52")["linen"]
