import html.parser
import json
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from common.demo.page import PageEntry, write_page


class Links(html.parser.HTMLParser):
    """Collects tags, and where they lead."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.words += data


def read(page: Path) -> Links:
    """The page as a browser takes it apart."""
    found = Links()
    found.feed(page.read_text(encoding="utf-8"))
    return found


def record_at(path: Path) -> Path:
    """The JSON of a run."""
    facts = {"settings": {"taste": "<b>rock & roll</b>"}, "figures": {"cosine": 0.123456}}
    path.write_text(json.dumps(facts | {"device": "CPU", "weights": ["a.onnx"], "seconds": 1.26}), encoding="utf-8")
    return path


def test_every_picture_is_linked_whatever_its_name_and_told_how_it_was_made(tmp_path: Path) -> None:
    pictures = [tmp_path / name / "Júlia & <co> #1 100%.png" for name in ("pets", "out puts")]
    made = PageEntry(
        "pet/main.py", ["--name", 'A "b" & c'], pictures[:1], pictures[1:], record_at(tmp_path / "main.json")
    )
    write_page(tmp_path / "index.html", "Re:Live for <A & B>", {"pet": [made], "all together": [made]}, pictures[0])
    page = read(tmp_path / "index.html")
    linked = {tmp_path / unquote(link) for link in page.links if not link.startswith("#")}
    assert linked == set(pictures)
    assert {link for link in page.links if link.startswith("#")} == {"#pet", "#all%20together"}
    for words in ("Re:Live for <A & B>", "One pet for one person", """'A "b" & c'""", "<b>rock & roll</b>", "0.1235"):
        assert words in page.words
    assert "CPU; weights: a.onnx; 1.3 s" in page.words


def test_nothing_runs_and_nothing_comes_from_elsewhere(tmp_path: Path) -> None:
    write_page(tmp_path / "index.html", "Re:Live", {"pet": [PageEntry("pet/1_TopN.py", [], [], [], None)]})
    page = read(tmp_path / "index.html")
    assert {"script", "iframe", "object", "img"}.isdisjoint(page.tags)
    content = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "//" not in content and "url(" not in content and "@import" not in content


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to look at the page")
def test_a_browser_shows_all_pictures_one_below_the_other(tmp_path: Path) -> None:
    colours = {"top": (200, 30, 30), "für Júlia": (30, 160, 40), "100% & #2": (20, 40, 200)}
    pictures = {name: tmp_path / f"{name}.png" for name in colours}
    for name, path in pictures.items():
        Image.new("RGB", (600, 300), colours[name]).save(path)
    made = [PageEntry("pet/main.py", [], [path], [], None) for path in list(pictures.values())[1:]]
    write_page(tmp_path / "index.html", "Re:Live", {"pet": made}, pictures["top"])
    assert CHROMIUM is not None
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=900,1600"]
    places = [f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={tmp_path / 'seen.png'}"]
    page = (tmp_path / "index.html").as_uri()
    subprocess.run([CHROMIUM, *flags, *places, page], capture_output=True, timeout=120, check=True)
    seen = np.asarray(Image.open(tmp_path / "seen.png").convert("RGB")).astype(int)
    tops = []
    for colour in colours.values():
        rows, columns = np.nonzero(np.abs(seen - colour).max(axis=2) < 12)
        assert len(rows) > 50_000 and np.ptp(columns) > 550
        tops.append(int(rows.min()))
    assert tops == sorted(tops)
