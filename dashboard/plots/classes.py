"""Colours of classified maps, by the names that layers use for colour maps.

Land cover: those of the MODIS legend (Friedl and Sulla-Menashe 2015); climates: those of Beck et al. (2018,
doi 10.1038/sdata.2018.214). Both softened towards grey, so that a map of them is as quiet as the others.
"""

from __future__ import annotations

from functools import lru_cache

# IGBP classes 1 to 16
_LAND_COVERS = (
    "05450a", "086a10", "54a708", "78d203", "009900", "c6b044", "dcd159", "dade48",
    "fbff13", "b6ff05", "27ff87", "c24f44", "a5a5a5", "ff6d4c", "69fff8", "f9ffa4",
)  # fmt: skip
# Koeppen classes 1 to 31 in alphabetical order: Af Am As Aw, BSh BSk BWh BWk, Cfa to Cwc, Dfa to Dwd, EF ET
_KOEPPEN = (
    "0000ff", "0078ff", "7ec8ff", "46aafa",
    "f5a500", "ffdc64", "ff0000", "ff9696",
    "c8ff50", "64ff50", "32c800", "ffff00", "c8c800", "969600", "96ff96", "63c764", "329633",
    "00ffff", "37c8ff", "007d7d", "00465f", "ff00ff", "c800c8", "963296", "966496",
    "aaafff", "5a78dc", "4b50b4", "320087", "686868", "b2b2b2",
)  # fmt: skip
_SOFTEN = 0.35
_GREY = 0xC4


@lru_cache(maxsize=2)
def colors(name: str) -> tuple[str, ...]:
    """Colour of each class, the first of code 1: 'igbp' or 'koeppen'."""
    return tuple(_soft(color) for color in {"igbp": _LAND_COVERS, "koeppen": _KOEPPEN}[name])


def _soft(color: str) -> str:
    parts = (int(color[i : i + 2], 16) for i in (0, 2, 4))
    return "#" + "".join(f"{round(part * (1 - _SOFTEN) + _GREY * _SOFTEN):02x}" for part in parts)
