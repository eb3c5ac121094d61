"""Look: colour tokens, type, the Material theme made of them, colours of the components. One place, two modes."""

from __future__ import annotations

import math
import re
from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from bokeh.document import Document
from bokeh.models import InlineStyleSheet
from panel.io.state import state

from hdlcore.assets import assets_dir
from hdlcore.variables import GROUNDWATER, SNOW, SOIL

FONT = "Inter, system-ui, sans-serif"  # the first is ours (`font_face`); a mark it lacks comes from the second

LIGHT = {
    "page": "#FBFCFD",
    "surface": "#FFFFFF",
    "text": "#1B2730",
    "quiet": "#5B6B75",
    "line": "#D9E1E6",
    "ocean": "#EAF1F5",
    "nodata": "#D5DADD",
    "accent": "#0B6E8A",
    "warn": "#8A4B00",
    "bad": "#A8281C",
    "total": "#000000",
}
DARK = {
    "page": "#0F171D",
    "surface": "#16212A",
    "text": "#E6EDF2",
    "quiet": "#9DB0BC",
    "line": "#2A3943",
    "ocean": "#0B141A",
    "nodata": "#33424C",
    "accent": "#4FB3CE",
    "warn": "#E8B15A",
    "bad": "#F08A7E",
    "total": "#FFFFFF",
}

# Same order everywhere; a dash of its own each, so that colour is never the only sign.
DASHES = {
    "tws": "solid",
    "swe": "dotted",
    "soil_moisture": "dashed",
    "groundwater": "dotdash",
    "other_stores": "14 4",  # long dashes
}
FORCING_COLORS = {"precipitation": "#0072B2", "air_temperature": "#D55E00", "net_radiation": "#CC79A7"}


def tokens(dark: bool) -> dict[str, str]:
    """Colour tokens of a mode."""
    return DARK if dark else LIGHT


def component_colors(dark: bool) -> dict[str, str]:
    """Okabe-Ito colours of the stores; the total is black on light, white on dark."""
    return {
        "tws": tokens(dark)["total"],
        "swe": SNOW,
        "soil_moisture": SOIL,
        "groundwater": GROUNDWATER,
        "other_stores": "#CC79A7",
    }


def label_colors(dark: bool) -> dict[str, str]:
    """Darker kin of the component colours for TEXT, at least 4.5:1 on the surface (the lines keep the pure colours)."""
    if dark:
        return component_colors(dark)
    return {
        "tws": "#000000",
        "swe": "#1F6F9F",
        "soil_moisture": "#8A5A00",
        "groundwater": "#00704F",
        "other_stores": "#A03A78",
    }


_TYPE = 13  # Material's size of type, of its 14
_USUAL = 16  # px: the size of type of a browser whose owner has chosen none
_REM = _USUAL * _TYPE / 14  # px of a rem then: Material sets the document in its own type


def _palette(dark: bool) -> dict[str, Any]:
    tone = tokens(dark)
    return {
        "palette": {
            "primary": {"main": tone["accent"], "contrastText": tone["surface"] if dark else "#FFFFFF"},
            "background": {"default": tone["page"], "paper": tone["surface"]},
            "text": {"primary": tone["text"], "secondary": tone["quiet"]},
            "divider": tone["line"],
            "action": {"active": tone["quiet"]},
        },
        "typography": {
            "fontFamily": FONT,
            "fontSize": _TYPE,
            "htmlFontSize": 16,
            "button": {"textTransform": "none", "fontWeight": 500},
        },
        "shape": {"borderRadius": 6},
        "components": {
            "MuiButtonBase": {
                "defaultProps": {"disableRipple": True},
                "styleOverrides": {
                    "root": {"&.Mui-focusVisible": {"outline": f"2px solid {tone['accent']}", "outlineOffset": "-2px"}}
                },
            },
            "MuiMenuItem": {
                "styleOverrides": {
                    "root": {
                        "whiteSpace": "normal",  # a long name takes two lines on a phone
                        "&[aria-selected=true]": {"color": tone["accent"], "fontWeight": 500},
                    }
                }
            },
            "MuiPaper": {"styleOverrides": {"root": {"backgroundImage": "none"}}},  # no veil over dialogs in dark
            "MuiAppBar": {
                "defaultProps": {"elevation": 0},
                "styleOverrides": {
                    "root": {
                        "backgroundColor": f"{tone['surface']} !important",
                        "color": f"{tone['text']} !important",
                        "backgroundImage": "none",
                        "borderBottom": f"1px solid {tone['line']}",
                    }
                },
            },
            "MuiToolbar": {
                "styleOverrides": {
                    "root": {
                        "minHeight": f"{48 / _REM:.6g}rem !important",
                        "paddingLeft": "16px !important",
                        "paddingRight": "8px !important",
                        "& > h5": {"display": "none"},  # the page's empty title; the header has its own h1
                    }
                }
            },
            # lengths that Material gives in px, so that a label of larger type stands above what it names
            "MuiOutlinedInput": {
                "styleOverrides": {
                    "notchedOutline": {"borderColor": tone["line"]},
                    "inputSizeSmall": {"padding": f"{8.5 / _REM:.6g}rem {14 / _REM:.6g}rem"},
                }
            },
            "MuiInputLabel": {
                "styleOverrides": {
                    "root": {
                        "&.MuiInputLabel-shrink": {"transform": f"translate(14px, {-9 / _REM:.6g}rem) scale(0.75)"}
                    }
                }
            },
        },
    }


@lru_cache(maxsize=1)
def material_theme() -> dict[str, Any]:
    """Theme for panel-material-ui, light and dark."""
    return {"light": _palette(False), "dark": _palette(True)}


_HAIR = 4  # px: lines and small gaps thinner than this stay as they are
#: The type is as large as its reader has chosen in the browser, as long as 20 letters m still go into a line.
_CHOSEN = f"html{{font-size:calc(min(100%,max(16px,5vw))*{_TYPE}/14) !important;}}"


def grown(css: str) -> str:
    """A style sheet whose lengths grow with the size of type that its reader has chosen; px are of the usual size.

    Widths at which a page is laid out anew are in em: they mean the chosen size as well.
    """

    def length(unit: str) -> Callable[[re.Match[str]], str]:
        def grow(found: re.Match[str]) -> str:
            px = float(found[1])
            if abs(px) < _HAIR:
                return found[0]
            # up in the fifth place: the browser cuts what is a hair less than a px by a 64th
            return f"{math.ceil(px / (_USUAL if unit == 'em' else _REM) * 1e5) / 1e5:.9g}{unit}"

        return grow

    px = re.compile(r"(?<![\w#.])(-?\d+(?:\.\d+)?)px")
    parts = re.split(r"(@media[^{]*)", css)
    return "".join(px.sub(length("em" if part.startswith("@media") else "rem"), part) for part in parts)


@lru_cache(maxsize=4)
def _css_file(name: str) -> str:
    return grown((assets_dir() / "css" / name).read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def font_face() -> str:
    """CSS rule that carries the typeface in itself: no request, no text that moves when it comes, no other host."""
    packed = b64encode((assets_dir() / "fonts" / "inter.woff2").read_bytes()).decode()
    source = f"url(data:font/woff2;base64,{packed}) format('woff2')"
    return f"@font-face{{font-family:Inter;font-weight:400 700;src:{source};}}"


@lru_cache(maxsize=1)
def page_css() -> str:
    """Style sheet of the page: typeface, the tokens as CSS variables for both modes, then assets/css/explorer.css."""

    def block(selector: str, dark: bool) -> str:
        rows = "".join(f"--hdl-{name}:{value};" for name, value in tokens(dark).items())
        labels = "".join(f"--hdl-label-{name.replace('_', '-')}:{value};" for name, value in label_colors(dark).items())
        return f"{selector}{{{rows}{labels}color-scheme:{'dark' if dark else 'light'};}}"

    def stronger(selector: str, dark: bool) -> str:
        tone = tokens(dark)
        return f"{selector}{{--hdl-quiet:{tone['text']};--hdl-line:{tone['quiet']};}}"

    font = f":root{{--hdl-font:{FONT}}}"
    modes = {":root": False, ":root[data-hdl-mode=dark]": True}
    more = "".join(stronger(*mode) for mode in modes.items())
    contrast = f"@media (prefers-contrast: more) {{{more}}}"
    return "\n".join(
        [font_face(), _CHOSEN, font, *(block(*mode) for mode in modes.items()), contrast, _css_file("explorer.css")]
    )


_sheets: WeakKeyDictionary[Document, dict[str, InlineStyleSheet]] = WeakKeyDictionary()


def _shared(name: str) -> str | InlineStyleSheet:
    document = state.curdoc
    if document is None:
        return _css_file(name)
    known = _sheets.setdefault(document, {})
    if name not in known:
        known[name] = InlineStyleSheet(css=_css_file(name))
    return known[name]


class Styled:
    """Gives a Panel object the style sheet named `sheet`, once a document (a copy each made up half of the page)."""

    sheet = "layout.css"

    def _process_param_change(self, params: dict[str, Any]) -> dict[str, Any]:
        params = super()._process_param_change(params)  # type: ignore[misc]
        if "stylesheets" in params:
            params["stylesheets"] = [*params["stylesheets"], _shared(self.sheet)]
        return params  # type: ignore[no-any-return]

    def _update_properties(self, *events: Any, doc: Any) -> dict[str, Any]:
        if any(event.name == "stylesheets" for event in events):
            return super()._update_properties(*events, doc=doc)  # type: ignore[misc, no-any-return]
        # all that Panel's design has to say is style sheets: asked at each change, it took a sixth of a month step
        return self._process_param_change({event.name: event.new for event in events})
