"""Pets as SVG: the drawings themselves, one named layer each, in the order of pasting.

A coat replaces the colours of the body's drawing. A marking lies over the body, through a mask that shows its main fur.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from common.errors import UserError
from pet.choosing.wardrobe import LAYERS, SLOTS
from pet.drawing.artwork import CANVAS_PX, read_drawing
from pet.drawing.designs import Design

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = frozenset(
    "g path circle ellipse rect line polyline polygon defs clipPath mask linearGradient radialGradient stop use".split()
)
OF_THE_PAGE = {"viewBox", "width", "height", "version"}  # attributes of <svg> that a layer does not need
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" '
    f'viewBox="0 0 {CANVAS_PX} {CANVAS_PX}" width="{CANVAS_PX}" height="{CANVAS_PX}">\n'
    "<title>{title}</title>\n"
    "<desc>A pet of Re:Live: drawn layers, put together by a taste in music. "
    "CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/</desc>\n"
)
LAYER = '<g id="{id}" inkscape:groupmode="layer" inkscape:label="{label}">{content}</g>\n'
FUR = (
    f'<mask id="Fur" maskUnits="userSpaceOnUse" x="0" y="0" width="{CANVAS_PX}" height="{CANVAS_PX}">{{content}}</mask>'
)
MARKED = '<g mask="url(#Fur)" opacity="{opacity}">{content}</g>'
BLACK, WHITE = "#000000", "#ffffff"


def fragment(path: Path, prefix: str) -> str:
    """The drawing in an SVG file as one `<g>`; ids begin with `prefix`, so that those of two layers differ.

    Raises:
        UserError: as `read_drawing`, or the drawing has more than shapes: text, a picture, a style, a script.
    """
    read_drawing(path)
    root = ElementTree.parse(path).getroot()
    group = ElementTree.Element("g", {k: v for k, v in root.items() if _is_plain(k) and k not in OF_THE_PAGE})
    group.extend(root)
    _make_plain(group, prefix, path)
    return ElementTree.tostring(group, encoding="unicode")


def _make_plain(element: ElementTree.Element, prefix: str, path: Path) -> None:
    """Check an element and all below it; drop namespaces, white space, titles and what editors add."""
    element.tag = str(element.tag).removeprefix(SVG)
    element.text = element.tail = None
    links = [value for name, value in element.items() if name.endswith("href") and not value.startswith("#")]
    if element.tag not in ELEMENTS or links or any(name.startswith("on") for name in element.attrib):
        what = f"a link to {links[0][:40]}" if links else f"<{element.tag}>"
        raise UserError(f"{path}: has {what}; a layer may hold shapes only ({', '.join(sorted(ELEMENTS))})")
    values = {name: value for name, value in element.items() if _is_plain(name)}
    element.attrib.clear()
    for name, value in values.items():
        own = f"{prefix}-{value}" if name == "id" else value
        own = f"#{prefix}-{value[1:]}" if name == "href" else own
        element.set(name, own.replace("url(#", f"url(#{prefix}-"))
    for child in list(element):
        name = str(child.tag)
        if name == f"{SVG}title" or (name.startswith("{") and not name.startswith(SVG)):
            element.remove(child)
        else:
            _make_plain(child, prefix, path)


def _is_plain(attribute: str) -> bool:
    return not attribute.startswith("{") and not attribute.startswith("data-")


def draw_svg(published: Mapping[str, Any], design: Design) -> str:
    """The pet as SVG text, by what `pet.publishing.records` publishes. `docs/pet/index.html` writes the same bytes.

    Args:
        published: see `docs/pet/wardrobe.schema.json`.
        design: the pet.
    """
    body = next(body for body in published["bodies"] if body["name"] == design.body)
    fur, look, drawing, marking = "", "", body["svg"], ""
    if design.coat is not None:
        drawn, colours = (published["coats"][name] for name in (body["coat"], design.coat.colour))
        drawing = _recoloured(body["svg"], dict(zip(drawn[:4], colours[:4], strict=True)))
        look = f", {design.coat.colour}, {design.coat.look}"
        if design.coat.look != "plain":
            tone, name = design.coat.look.split(" ")
            mask = re.sub(r"#[0-9a-f]{6}\b", lambda found: WHITE if found[0] == drawn[0] else BLACK, body["svg"])
            fur = f"<defs>{FUR.format(content=mask)}</defs>\n"
            shapes = published["markings"][name].replace(BLACK, colours[published["tones"][tone]["colour"]])
            marking = MARKED.format(opacity=published["tones"][tone]["opacity"], content=shapes)
    label = design.body + look
    worn = dict(zip(SLOTS, design.worn, strict=True))
    text = HEAD.format(title=_text(f"{label}: {', '.join(design.worn)}")) + fur
    text += LAYER.format(id="Body", label=_text(f"Body: {label}"), content=drawing + marking)
    for slot in LAYERS:
        item = next(item for item in published["slots"][slot] if item["name"] == worn[slot])
        text += LAYER.format(id=slot, label=_text(f"{slot}: {worn[slot]}"), content=item["svg"])
    return text + "</svg>\n"


def _recoloured(svg: str, colours: Mapping[str, str]) -> str:
    return re.sub(r"#[0-9a-f]{6}\b", lambda found: colours.get(found[0], found[0]), svg)


def _text(words: str) -> str:
    return escape(words, {'"': "&quot;"})
