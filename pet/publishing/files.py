"""The published files: the wardrobe and the test vectors as JSON with their schemas, and the page."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).resolve().parent
SCHEMAS = ("wardrobe.schema.json", "vectors.schema.json")


def published_files(wardrobe: Mapping[str, Any], vectors: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Texts of all files by name.

    Args:
        wardrobe: result of `wardrobe_record`.
        vectors: result of `vector_records`.
    """
    lines = ",\n".join(json.dumps(vector, ensure_ascii=True) for vector in vectors)
    return {
        "wardrobe.json": json.dumps(wardrobe, ensure_ascii=False, indent=1) + "\n",
        "vectors.json": f'{{"$schema": "vectors.schema.json", "vectors": [\n{lines}\n]}}\n',
        "index.html": _page(wardrobe),
    } | {name: (SOURCES / name).read_text(encoding="utf-8") for name in SCHEMAS}


def _page(wardrobe: Mapping[str, Any]) -> str:
    parts = {
        "PETS_JS": (SOURCES / "pets.js").read_text(encoding="utf-8"),
        "PAGE_JS": (SOURCES / "page.js").read_text(encoding="utf-8"),
        # Within a page, JSON must not hold "</script".
        "WARDROBE": json.dumps(wardrobe, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
    }
    page = (SOURCES / "page.html").read_text(encoding="utf-8")
    for name, text in parts.items():
        page = page.replace(f"{{{{{name}}}}}", text)
    return page
