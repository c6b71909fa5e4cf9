"""An HTML page of all pictures of a run and how each was made: one file, no scripts, no external resources.

Standard library only, as common.demo.steps uses it.
"""

import ast
import json
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from common.files import write_text
from common.paths import ROOT

STYLE = """
:root { color-scheme: light; --ink: #2b1f3d; --grey: #6d6182; --paper: #faf6f0; --card: #fff; --pink: #f47094; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 2rem 1.5rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 "DejaVu Sans", system-ui, sans-serif; }
h1 { font-size: 2.6rem; margin: 0; } h2 { margin: 3rem 0 1rem; border-bottom: 4px solid var(--pink); }
h3 { font-size: 1rem; margin: 0 0 .3rem; }
nav a { margin-right: 1rem; color: var(--ink); } img { max-width: 100%; border-radius: 10px; display: block; }
article { background: var(--card); border-radius: 14px; padding: 1.2rem 1.4rem; margin-bottom: 1.2rem; }
code { font: 13px/1.5 "DejaVu Sans Mono", ui-monospace, monospace; overflow-wrap: anywhere; color: var(--grey); }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 1rem; margin: 1rem 0; }
img.wide { max-height: 720px; margin-top: 1rem; }
figure { margin: 0; } figcaption { font-size: 12px; color: var(--grey); overflow-wrap: anywhere; }
summary { cursor: pointer; font-size: 14px; } table { border-spacing: 1rem .1rem; font-size: 13px; }
.fault { color: #a3123f; font-weight: bold; overflow-wrap: anywhere; }
th { text-align: left; font-weight: normal; color: var(--grey); vertical-align: top; white-space: nowrap; }
td { overflow-wrap: anywhere; }
"""


@dataclass(frozen=True)
class PageEntry:
    """What one script made.

    Attributes:
        script: its path below the project.
        flags: it was called with.
        pictures: it wrote, to be shown as wide as the page.
        gallery: more pictures, shown small.
        record: the JSON of its run, if there is one.
        shown: files and folders to list for the user.
        fault: why it failed; empty if it did not.
        note: something else to know about it.
    """

    script: str
    flags: Sequence[str]
    pictures: Sequence[Path]
    gallery: Sequence[Path]
    record: Path | None
    shown: Sequence[Path] = ()
    fault: str = ""
    note: str = ""


def write_page(page: Path, title: str, sections: Mapping[str, Iterable[PageEntry]], first: Path | None = None) -> None:
    """Write the page.

    Args:
        page: an .html file; pictures are linked relative to its folder.
        title: title of the page.
        sections: what was made, by heading.
        first: picture at the top.
    """
    links = "".join(f'<a href="#{quote(name)}">{escape(name)}</a>' for name in sections)
    top = "" if first is None else _picture(first, page, "first")
    body = [f"<header><h1>{escape(title)}</h1><nav>{links}</nav>{top}</header>"]
    for name, some in sections.items():
        body.append(f'<section id="{escape(name, quote=True)}"><h2>{escape(name.upper())}</h2>')
        body += [_article(made, page) for made in some]
        body.append("</section>")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    head += f"<style>{STYLE}</style>"
    lines = "\n".join(body)
    write_text(page, f'<!doctype html>\n<html lang="en">\n<head>{head}</head>\n<body>\n{lines}\n</body>\n</html>\n')


def _article(made: PageEntry, page: Path) -> str:
    source = (ROOT / made.script).read_text(encoding="utf-8")
    headline = (ast.get_docstring(ast.parse(source)) or made.script).splitlines()[0]
    pictures = "".join(_picture(path, page, "wide") for path in made.pictures)
    gallery = "".join(_picture(path, page, "small") for path in made.gallery)
    command = shlex.join(["python", made.script, *made.flags])
    note = f"<p>{escape(made.note)}</p>" if made.note else ""
    fault = f'<p class="fault">Failed: {escape(made.fault)}</p>' if made.fault else ""
    return (
        f"<article><h3>{escape(headline)}</h3><code>{escape(command)}</code>{note}{fault}"
        f'{pictures}<div class="pictures">{gallery}</div>{_making(made.record)}</article>'
    )


def _picture(path: Path, page: Path, kind: str) -> str:
    place = os.path.relpath(path, page.parent).replace(os.sep, "/")
    words = "" if kind == "first" else f"<figcaption>{escape(path.stem if kind == 'small' else place)}</figcaption>"
    link = escape(quote(place), quote=True)
    image = f'<img class="{kind}" loading="lazy" src="{link}" alt="{escape(path.stem, quote=True)}">'
    return f'<figure><a href="{link}">{image}</a>{words}</figure>'


def _making(record: Path | None) -> str:
    """Device, weights and time of a run, and behind a click its figures and settings."""
    if record is None:
        return ""
    facts: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    weights = ", ".join(facts["weights"]) or "none"
    line = f"{facts['device']}; weights: {weights}; {facts['seconds']:.1f} s"
    rows = {**facts["figures"], **{name.upper(): value for name, value in facts["settings"].items()}}
    cells = "".join(
        f"<tr><th>{escape(str(name))}</th><td>{escape(_in_words(value))}</td></tr>" for name, value in rows.items()
    )
    return f"<details><summary>{escape(line)}</summary><table>{cells}</table></details>"


def _in_words(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
