"""The app's typeface: Inter, cut to the marks the app writes, at text size, between regular and bold."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.build_assets.packages import PackagedFile, fetch

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

log = logging.getLogger("build_assets")

_INTER = ("npm", "inter-ui", "4.1.1")
FILES = {
    "font": PackagedFile(
        *_INTER,
        "package/variable/InterVariable.woff2",
        "693b77d4f32ee9b8bfc995589b5fad5e99adf2832738661f5402f9978429a8e3",
    ),
    "licence": PackagedFile(
        *_INTER, "package/LICENSE.txt", "cc36dd53b88f8c7f138b9708e0c4b598816e4e52c7e252859e67e1e7edbcf117"
    ),
}
#: First and last code point of what is kept: Latin with its accents, Greek, dashes, raised and lowered figures, arrows,
#: mathematical signs, and the marks of map keys.
RANGES = [
    (0x20, 0x7E), (0xA0, 0x17F), (0x218, 0x21F), (0x370, 0x3CF), (0x2010, 0x203A), (0x2070, 0x209F), (0x20AC, 0x20AC),
    (0x2122, 0x2126), (0x2190, 0x2199), (0x2200, 0x226F), (0x25A0, 0x25CF), (0x2713, 0x2713),
]  # fmt: skip
FIGURES = "0123456789+\N{MINUS SIGN}"
#: No ligatures: an arrow typed as two marks stays two marks.
FEATURES = ["kern", "ccmp", "locl", "mark", "mkmk"]


def _make_tabular(font: TTFont) -> None:
    """Give figures and signs one width for good: canvases cannot ask for it, and a column must not waver."""
    table = font["GSUB"].table
    wide: dict[str, str] = {}
    for entry in table.FeatureList.FeatureRecord:
        for number in entry.Feature.LookupListIndex if entry.FeatureTag == "tnum" else ():
            for part in table.LookupList.Lookup[number].SubTable:
                wide |= getattr(part, "ExtSubTable", part).mapping
    for encoding in font["cmap"].tables:
        if encoding.isUnicode():
            names = {ord(mark): encoding.cmap[ord(mark)] for mark in FIGURES}  # tables share one
            encoding.cmap |= {mark: wide.get(name, name) for mark, name in names.items()}


def build_font(cache: Path, folder: Path) -> None:
    """Write inter.woff2 and its licence into `folder`."""
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont
    from fontTools.varLib.instancer import instantiateVariableFont

    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every glyph
    sources = fetch(cache, FILES)
    cut = Subsetter(Options(layout_features=FEATURES, hinting=False, name_IDs=["*"], notdef_outline=True))
    cut.populate(unicodes={mark for first, last in RANGES for mark in range(first, last + 1)})
    font = TTFont(sources["font"], recalcTimestamp=False)
    _make_tabular(font)
    cut.subset(font)
    font = instantiateVariableFont(font, {"opsz": 14, "wght": (400, 700)})
    font.flavor = "woff2"
    folder.mkdir(exist_ok=True)
    font.save(folder / "inter.woff2")
    shutil.copy(sources["licence"], folder / "LICENSE.txt")
    log.info("fonts/inter.woff2: %d marks", len(font.getBestCmap()))
