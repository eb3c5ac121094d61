"""The typeface is the app's own: in the page itself, with every mark the app writes."""

from __future__ import annotations

import re
from base64 import b64decode
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from dashboard.theme import FONT, font_face, grown, page_css
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


def test_lengths_grow_with_the_size_of_type_that_a_reader_has_chosen() -> None:
    """At the usual size they are what the style sheet says; lines stay thin; a page is laid out anew by its type."""
    css = "@media (max-width: 720px) { p { margin: -8px 24px; border: 1px solid; width: calc(9vw - 236px) } }"
    said = grown(css)
    assert "@media (max-width: 45em)" in said and "border: 1px solid" in said
    rems = [float(number) * 16 * 13 / 14 for number in re.findall(r"(-?[\d.]+)rem", said)]
    assert rems == pytest.approx([-8, 24, 236], abs=1e-3)
    assert "max(16px,5vw)" in page_css()  # as far as a line still holds some words
