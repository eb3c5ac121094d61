"""The frame of every page: header with pages, picker, share, export, provenance, help; notices; the address."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui
from bokeh.document import Document
from bokeh.themes import Theme
from panel.io.resources import LOCAL_DIST
from panel.util.parameters import edit_readonly
from panel_material_ui.base import BASE_TEMPLATE

from dashboard import engine, links
from dashboard.pages.dialogs import Dialogs, tell
from dashboard.pages.page import Page
from dashboard.pages.parts import SELECT, column, html, row
from dashboard.pages.scripts import beside, inline, loading, others, when_ready
from dashboard.pages.tour_part import TourPart
from dashboard.pages.view import View
from dashboard.plots.projection import load_projection
from dashboard.sources import picker_groups
from dashboard.state import PAGES, History, apply, defaults
from dashboard.theme import grown, material_theme, page_css
from dashboard.widgets import Buttons, Nav, Shell

NAME = "HDL Explorer"
MARK = "<!-- the session -->"  # in the document: what stands above is no visitor's own
ACTIONS = [
    {"id": "link", "label": "Copy link", "icon": "link", "kind": "bar"},
    {"id": "export", "label": "Export", "icon": "export", "kind": "bar"},
    {"id": "source", "label": "Provenance", "icon": "source", "kind": "bar"},
    {"id": "help", "label": "Help", "icon": "help", "kind": "bar"},
]
#: With just these the controls in the bar, and the lists they open, have the colours of all others; else they would be
#: made for a bar of another colour than ours (white text, blue lists).
PLAIN_BAR = {".MuiAppBar-root": {"bgcolor": "primary.contrastText", "color": "primary.main"}}
#: Where the header is narrow the name has two lines: those of two models of the world differ at their ends.
IN_BAR = """
@media (max-width: 720px), (min-width: 1001px) and (max-width: 1400px) {
  .MuiSelect-select.MuiSelect-select {
    display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; white-space: normal !important;
    height: 28px; min-height: 0; margin: 5px 0 3px; padding: 0 16px 0 6px !important;
    font-size: 12px; line-height: 14px; letter-spacing: -.01em;
  }
  .MuiSelect-icon { right: -2px; }
}
"""

#: On paper the boxes that scroll on the screen are as high as what is in them, and the header stands above it.
PRINTED = {
    "&, & .main, & .main-content, & .MuiBox-root": {"display": "block", "height": "auto", "overflow": "visible"},
    "& .MuiAppBar-root": {"position": "static"},
    "& .MuiToolbar-root .MuiIconButton-root": {"display": "none"},
}


class Frame:
    """Header, dialogs, notices and address around the open page, which `page` returns."""

    def __init__(self, view: View, history: History, page: Callable[[], Page]) -> None:
        self.view, self.state, self.history = view, view.state, history
        self._page, self._picks = page, True
        self.shell = Shell(dark=view.dark)
        view.send = self.shell.send
        self.notice = html("notice", visible=False)
        dismiss = Buttons(lambda _: setattr(view, "notice", ""), items=[{"id": "dismiss", "label": "Dismiss"}])
        self.notices = row("notices", self.notice, dismiss, visible=False)
        view.param.watch(lambda event: self._notify(event.new), "notice")
        self._notify(view.notice)
        self.banner = html("banner", visible=False)
        self.dialogs = Dialogs(page, self.shell)
        self.tour = TourPart(view, history, page, self.shell)
        self._make_header()
        self._keep_address()
        self._label()

    # -- header -------------------------------------------------------------------------------------------------

    def _make_header(self) -> None:
        title = html("brandpane", '<div class="brand"><h1>HDL <span>Explorer</span></h1></div>')
        # one in the header, one under it where the header is narrow; the style sheet shows either
        items = [{"id": name, "label": text} for name, text in PAGES.items()]
        self.navs = [Nav(items=items, css_classes=[name]) for name in ("headnav", "rownav")]
        for nav in self.navs:
            nav.on_message("open", self._open)
        self.model = pmui.Select(
            label="Model or data",
            css_classes=["model"],
            stylesheets=[grown(IN_BAR)],
            **SELECT,
        )
        self._updating = False
        self._list_sources()
        self.model.param.watch(self._picked, "value")
        self.view.uploads.param.watch(self._list_sources, "changed")
        self.state.param.watch(self._list_sources, "model")
        actions = Buttons(self._act, items=ACTIONS, label="Page", css_classes=["actions"])
        self.header = row("header", title, self.navs[0], self.model, actions)

    def _list_sources(self, *_: Any) -> None:
        groups = picker_groups(self.view.sources())
        self._updating = True
        try:
            self.model.param.update(groups=groups, value=self.view.model or None)
        finally:
            self._updating = False

    def _picked(self, event: Any) -> None:
        if not self._updating and event.new:
            apply(self.state, {"model": event.new, "cell": self.view.cell_in(event.new)})

    def _label(self, *_: Any) -> None:
        """Say on every page that what is shown was never observed."""
        self.banner.object = f"<p><b>Generated</b> {escape(self.view.label)}</p>" if self.view.generated else ""
        self.banner.visible = self.view.generated and self._picks
        self.model.visible = bool(self.view.model) and self._picks

    def _open(self, message: dict[str, Any]) -> None:
        if message.get("id") in PAGES:
            apply(self.state, {"page": message["id"]})

    def opened(self, name: str) -> None:
        """Another page is open: mark it, say it, go to its top."""
        self._picks = self._page().picks
        title = NAME if name == next(iter(PAGES)) else f"{PAGES[name]} · {NAME}"
        self.shell.param.update(title=title, say=f"{PAGES[name]} page")
        self.shell.send({"type": "top"})
        self._label()

    def _act(self, name: str) -> None:
        if name == "link":
            self.shell.send({"type": "copy", "what": "link"})
        else:
            {"export": self.dialogs.files, "source": self.dialogs.provenance, "help": self.dialogs.help}[name]()

    def _notify(self, text: str) -> None:
        self.notice.object = f'<p role="alert">{escape(text)}</p>' if text else ""
        self.notice.visible = self.notices.visible = bool(text)

    # -- address ------------------------------------------------------------------------------------------------

    def _keep_address(self) -> None:
        shell = self.shell
        shell.on_message("popstate", self._back)
        shell.on_message("undo", lambda _: self.history.undo())
        shell.on_message("help", lambda _: self.dialogs.help())
        shell.on_message("escape", lambda _: self.dialogs.close())
        shell.on_message("copied", self._copied)
        self.view.follow_everywhere(self._write_address)
        self.view.follow_last(self._label)  # the numbers it speaks of may take a moment longer than the picker
        self.view.says.append(lambda look: [(shell, {"query": self._address(look.month)})])
        self.view.param.watch(lambda event: setattr(shell, "dark", event.new), "dark")

    def _address(self, month: int) -> str:
        """What the address says of this view in another month."""
        return links.encode({**self.state.snapshot(), "time": f"{month:02d}"})

    def _write_address(self, names: frozenset[str]) -> None:
        now = self.state.snapshot()
        self.shell.query = links.encode(now)
        elsewhere = links.encode({**now, "page": Nav.ANY})
        for nav in self.navs:
            nav.param.update(query=elsewhere, chosen=self.state.page)

    def _back(self, message: dict[str, Any]) -> None:
        found = links.decode(str(message.get("query", "")))
        self.view.notice = found.said
        with self.history.silently():
            apply(self.state, {**defaults(), **found.values})

    def _copied(self, message: dict[str, Any]) -> None:
        self.shell.say = tell(message)


@lru_cache(maxsize=1)
def _template() -> Any:
    """The document around the page; the globe's outline stands in it while the scripts come."""
    lat = engine.get_world()["lat"].values
    x, y = load_projection("equal_earth", lat.size, lat.astype("float32").tobytes()).outline
    points = zip(x[::6] / 1e4, -y[::6] / 1e4, strict=True)
    globe = "L".join(f"{a:.0f} {b:.0f}" for a, b in points)
    names = ("page.html", "page.js", "layout.js", "number.js", "pointer.js", "gestures.js")
    text, *scripts = ((Path(__file__).parent / name).read_text(encoding="utf-8") for name in names)
    bundle = pmui.Page._render_esm(server=True)  # the address that every one of its controls names
    parts = {"globe": globe, "script": "".join(scripts), "bundle": bundle, "mark": MARK}
    parts |= {made.__name__: made for made in (beside, loading, inline, others, when_ready)}
    return BASE_TEMPLATE.environment.from_string(text, globals=parts)


def _prepare(document: Document | None) -> None:
    """Say to Panel what it asks the document for."""
    if document is None:
        return
    # Plots bring their own look: a theme of the document keeps the page from restyling them.
    document.theme = Theme(json={"attrs": {name: {} for name in ("Axis", "Grid", "Plot", "Figure", "Title")}})
    # Panel says where its style sheets are only when it sends the page; a browser so slow that its session was dropped
    # and is made anew when it connects would be sent to another host for them.
    here = pn.state.rel_path
    document.template_variables["dist_url"] = f"{here}/{LOCAL_DIST}" if here else LOCAL_DIST


def page(frame: Frame, body: Any) -> pmui.Page:
    """The whole page; nothing in it is fetched from another host."""
    _prepare(pn.state.curdoc)
    result = pmui.Page(
        template=_template(),
        title="",
        meta_title=NAME,
        header=[frame.header],
        main=[
            column(
                "explorer",
                frame.navs[1],
                frame.notices,
                frame.tour.layout,
                frame.banner,
                body,
                frame.shell,
                frame.dialogs.layout,
            )
        ],
        theme_config=material_theme(),
        sx={"& .main, & .main-content": {"backgroundColor": "var(--hdl-page)"}, **PLAIN_BAR, "@media print": PRINTED},
        raw_css=[page_css()],
        busy_indicator=None,
        theme_toggle=True,
        dark_theme=frame.view.dark,
    )
    with edit_readonly(result):
        # No bar shows it; following it, each act of anybody made every open page look through all of its models, and
        # the server's state held every page there ever was.
        result.busy = pn.rx(False)
    result.param.watch(lambda event: setattr(frame.view, "dark", event.new), "dark_theme")
    return result
