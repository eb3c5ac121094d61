"""The typeface is the app's own: in the page itself, with every mark the app writes."""

from __future__ import annotations

import re
from base64 import b64decode
from pathlib import Path

from fontTools.ttLib import TTFont

from dashboard.theme import FONT, font_face, page_css
from hdlcore.assets import assets_dir

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_carries_it() -> None:
    face = font_face()
    packed = re.search(r"url\(data:font/woff2;base64,([^)]+)\)", face)
    assert packed and b64decode(packed[1]) == (assets_dir() / "fonts" / "inter.woff2").read_bytes()
    assert FONT.startswith("Inter,") and face in page_css(), "the name that every control and canvas asks for"
    assert "http" not in face and len(face) < 70_000, "every visit sends it"


def test_it_has_the_marks_the_app_writes() -> None:
    known = TTFont(assets_dir() / "fonts" / "inter.woff2").getBestCmap()
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "assets" / "tours").glob("*.json")))
    text += "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "dashboard").rglob("*.py")))
    written = set(re.findall(r"[^\x00-\x7f]", text)) - {"━", "∘"}  # marks of a map key, not of running text
    assert written and not {mark for mark in written if ord(mark) not in known}
