"""docs/pet/index.html in a real browser: the same pets as Python's, byte for byte."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers import ROOT

pytestmark = pytest.mark.slow
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="needs Chromium (apt-get install chromium)")
PAGE = ROOT / "docs/pet/index.html"
VECTORS = json.loads((ROOT / "docs/pet/vectors.json").read_text(encoding="utf-8"))["vectors"]
CHECK = """<script>
(async () => {
  const found = [];
  for (const { name, taste } of VECTORS) {
    const design = designPet(data, taste, name);
    const bytes = new TextEncoder().encode(drawPet(data, design));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    found.push({
      worn: Object.fromEntries(SLOTS.map((slot) => [slot, design.worn[slot].name])),
      body: design.body.name, coat: design.coat,
      svg_sha256: [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
      why: explainPet(data, taste, design, "es"), change: explainChange(data, taste, name, design, "en"),
    });
  }
  document.body.innerHTML = "<pre></pre>";
  document.querySelector("pre").textContent = btoa(unescape(encodeURIComponent(JSON.stringify(found))));
})();
</script>"""


def browse(page: Path, *flags: str, profile: Path) -> str:
    """The page as Chromium, without a window, has it after its scripts."""
    assert BROWSER is not None
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={profile}",
        "--virtual-time-budget=600000", "--dump-dom", *flags, page.as_uri(),
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=True)
    return result.stdout


@needs_browser
def test_the_page_draws_the_pets_of_all_test_vectors_byte_for_byte(tmp_path: Path) -> None:
    import base64

    page = tmp_path / "index.html"
    people = json.dumps([{"name": one["name"], "taste": one["taste"]} for one in VECTORS])
    script = f"<script>const VECTORS = {people};</script>{CHECK}"
    page.write_text(PAGE.read_text(encoding="utf-8").replace("</body>", f"{script}</body>"), encoding="utf-8")
    shown = re.search(r"<pre>([\w+/=]+)</pre>", browse(page, profile=tmp_path / "profile"))
    assert shown
    found = json.loads(base64.b64decode(shown[1]))
    assert len(found) == len(VECTORS) == 1000
    for vector, drawn in zip(VECTORS, found, strict=True):
        assert {key: drawn[key] for key in ("worn", "body", "coat", "svg_sha256")} == {
            key: vector[key] for key in ("worn", "body", "coat", "svg_sha256")
        }, vector["name"]
