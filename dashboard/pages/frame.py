"""The frame of every page: header with model picker, share, export, provenance, help; notices; the address."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui
from bokeh.themes import Theme
from panel_material_ui.base import BASE_TEMPLATE

from dashboard import engine, links
from dashboard.pages.dialogs import Dialogs, tell
from dashboard.pages.parts import SELECT, column, html, row
from dashboard.pages.view import View
from dashboard.plots.projection import load_projection
from dashboard.state import FIELDS, History, apply, defaults
from dashboard.theme import material_theme, page_css
from dashboard.widgets import Buttons, Shell

NAME = "HDL Explorer"
ACTIONS = [
    {"id": "link", "label": "Copy link", "icon": "link", "kind": "bar"},
    {"id": "export", "label": "Export", "icon": "export", "kind": "bar"},
    {"id": "source", "label": "Provenance", "icon": "source", "kind": "bar"},
    {"id": "help", "label": "Help", "icon": "help", "kind": "bar"},
]


class Frame:
    """Header, dialogs, notices and address around the parts of a page."""

    def __init__(self, view: View, history: History) -> None:
        self.view, self.state, self.history = view, view.state, history
        self.shell = Shell(dark=view.dark)
        self.notice = html("notice", visible=False)
        dismiss = Buttons(lambda _: setattr(view, "notice", ""), items=[{"id": "dismiss", "label": "Dismiss"}])
        self.notices = row("notices", self.notice, dismiss, visible=False)
        view.param.watch(lambda event: self._notify(event.new), "notice")
        self._notify(view.notice)
        self.dialogs = Dialogs(view, self.shell)
        self._make_header()
        self._keep_address()

    # -- header -------------------------------------------------------------------------------------------------

    def _make_header(self) -> None:
        models = engine.get_models()
        title = html(
            "brandpane",
            '<div class="brand"><h1>HDL <span>Explorer</span></h1><nav aria-label="Pages">'
            '<a href="#" aria-current="page">Explore</a></nav></div>',
        )
        self.model = pmui.Select(
            label="Model",
            options={info.title: info.id for info in models.values()},
            value=self.view.model or None,
            css_classes=["model"],
            stylesheets=[".MuiSelect-select { color: var(--hdl-text) !important; }"],  # the bar would make it white
            visible=bool(models),
            **SELECT,
        )
        self.model.param.watch(lambda event: apply(self.state, {"model": event.new or ""}), "value")
        actions = Buttons(self._act, items=ACTIONS, label="Page", css_classes=["actions"])
        self.header = row("header", title, self.model, actions)

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
        shell.query = links.encode(self.state.snapshot())
        shell.on_message("popstate", self._back)
        shell.on_message("undo", lambda _: self.history.undo())
        shell.on_message("help", lambda _: self.dialogs.help())
        shell.on_message("copied", self._copied)
        self.state.param.watch(self._write_address, list(FIELDS))
        self.view.param.watch(lambda event: setattr(shell, "dark", event.new), "dark")

    def _write_address(self, *events: Any) -> None:
        self.shell.param.update(
            replace={event.name for event in events} == {"time"}, query=links.encode(self.state.snapshot())
        )

    def _back(self, message: dict[str, Any]) -> None:
        found = links.decode(str(message.get("query", "")))
        self.view.notice = " ".join(found.notices)
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
    text = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")
    return BASE_TEMPLATE.environment.from_string(text, globals={"globe": globe})


def page(frame: Frame, body: Any) -> pmui.Page:
    """The whole page; nothing in it is fetched from another host."""
    if (
        pn.state.curdoc is not None
    ):  # plots bring their own look: a theme of the document keeps the page from restyling them
        pn.state.curdoc.theme = Theme(
            json={"attrs": {name: {} for name in ("Axis", "Grid", "Plot", "Figure", "Title")}}
        )
    result = pmui.Page(
        template=_template(),
        title="",
        meta_title=NAME,
        header=[frame.header],
        main=[column("explorer", frame.notices, body, frame.shell, frame.dialogs.layout)],
        theme_config=material_theme(),
        sx={"& .main, & .main-content": {"backgroundColor": "var(--hdl-page)"}},
        raw_css=[page_css()],
        busy_indicator=None,
        theme_toggle=True,
        dark_theme=frame.view.dark,
    )
    result.param.watch(lambda event: setattr(frame.view, "dark", event.new), "dark_theme")
    return result
