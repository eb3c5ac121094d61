"""Help, provenance and export: one dialog, filled when it is asked for."""

from __future__ import annotations

import base64
from collections.abc import Callable
from html import escape
from io import BytesIO
from typing import Any

import panel as pn
import panel_material_ui as pmui

from dashboard import export
from dashboard.jobs import Lane
from dashboard.pages.parts import SELECT, column, html, job_bar, row
from dashboard.pages.view import View
from dashboard.widgets import Buttons, Shell

HELP = """
<p>The map shows what a hybrid model of the Earth's water, physics and a neural network together, stores and remembers.
</p><dl class="help">
<dt>Pick a place</dt>
<dd>Click a land cell, or write its latitude and longitude on the right. The curves and the heatmap follow.</dd>
<dt>Step through the year</dt>
<dd>Drag the month, press play, or use the arrow keys <kbd>←</kbd> <kbd>→</kbd>.</dd>
<dt>Choose many cells</dt>
<dd>Filter by climate, region, land cover, latitude; draw a box or an outline; drag over the histogram at the colours.
Filters combine, and the curves become the area-weighted mean.</dd>
<dt>Read the curves</dt>
<dd>Snow, soil moisture and groundwater add up to the total. Circles are GRACE, seen from space; the thin line is the
model smoothed as GRACE sees it. Bands show how far the model's members differ.</dd>
<dt>Read the heatmap</dt>
<dd>Each box says how much the weather of that age still moves the water stored today.</dd>
<dt>Undo</dt>
<dd><kbd>Ctrl</kbd> <kbd>Z</kbd>, or the button beside the chips. The browser's back button works too.</dd>
</dl>"""

FILES: dict[str, tuple[str, str, Callable[[View], BytesIO]]] = {
    "Map as CSV": ("map.csv", "text/csv", export.map_csv),
    "Map as NetCDF": ("map.nc", "application/x-netcdf", export.map_netcdf),
    "Curves as CSV": ("curves.csv", "text/csv", export.series_csv),
    "Curves as NetCDF": ("curves.nc", "application/x-netcdf", export.series_netcdf),
}
WIDTHS = {"1200 px, for a page": 1200, "2400 px, for print": 2400, "3840 px, for a projector": 3840}


class Dialogs:
    """Opens the dialog with one of its contents; files are made off the event loop and handed to the browser."""

    def __init__(self, view: View, shell: Shell) -> None:
        self.view, self.shell = view, shell
        self.lane = Lane()
        self.layout = pmui.Dialog(title="", close_on_click=True, show_close_button=True, width_option="md")

    def _open(self, title: str, *content: Any) -> None:
        self.layout.param.update(title=title, objects=list(content))
        self.layout.open = True

    def help(self) -> None:
        """How to read the page."""
        self._open("How to read this page", html("prose", HELP))

    def provenance(self) -> None:
        """Where everything on the screen comes from."""
        self._open("Provenance", html("prose", export.provenance_html(self.view)))

    def files(self) -> None:
        """What is on the screen, to take away."""
        items = [{"id": label, "label": label, "kind": "outlined"} for label in FILES]
        buttons = Buttons(lambda label: self._save(*FILES[label]), items=items, label="Data")
        width = pmui.Select(
            label="Width of the picture", options=WIDTHS, value=2400, **{**SELECT, "width": 230, "sizing_mode": None}
        )
        picture = Buttons(
            lambda _: self._save("map.png", "image/png", lambda view: export.map_png(view, int(width.value))),
            items=[{"id": "png", "label": "Map as PNG", "kind": "outlined"}],
        )
        code = export.snippet(self.view)
        message = {"type": "copy", "what": "snippet", "text": code}
        copy = Buttons(lambda _: self.shell.send(message), items=[{"id": "copy", "label": "Copy the snippet"}])
        shown = "<p>What is on the screen: the map of the cells left, and the curves of the selection.</p>"
        snippet = f"<p>The same numbers in Python:</p><pre><code>{escape(code)}</code></pre>"
        self._open(
            "Export",
            column(
                "exports", html("prose", shown), buttons, row("exportrow", width, picture),
                job_bar(self.lane), html("prose", snippet), copy,
            ),
        )  # fmt: skip

    def _save(self, name: str, mime: str, make: Callable[[View], BytesIO]) -> None:
        def done(made: bytes) -> None:
            data = base64.b64encode(made).decode("ascii")
            self.shell.send({"type": "download", "name": f"hdl-{name}", "mime": mime, "content": data})

        self.lane.start(f"Making {name}", lambda progress, cancel: make(self.view).getvalue(), done)


def tell(message: dict[str, Any]) -> str:
    """What to say after the browser was asked to copy something; shown for a moment where notifications are on."""
    what = "snippet" if message.get("what") == "snippet" else "link"
    good = bool(message.get("ok"))
    text = f"The {what} is on the clipboard." if good else f"The browser did not let the {what} be copied."
    if pn.state.notifications is not None:
        (pn.state.notifications.success if good else pn.state.notifications.warning)(text, duration=2500)
    return text
