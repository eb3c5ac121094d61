"""Help, provenance and export: one dialog, filled when it is asked for with what the open page gives."""

from __future__ import annotations

import base64
from collections.abc import Callable
from html import escape
from io import BytesIO
from typing import Any

import panel as pn
import panel_material_ui as pmui

from dashboard.jobs import Lane
from dashboard.pages.page import Page, Pictures
from dashboard.pages.parts import SELECT, column, html, job_bar, row
from dashboard.widgets import Buttons, Shell

WIDTHS = {"1200 px, for a page": 1200, "2400 px, for print": 2400, "3840 px, for a projector": 3840}
#: A title of the page's own size beside a button that a finger hits; on a phone as wide as the screen lets it be.
LOOK = {
    "& .MuiDialogTitle-root": {"fontSize": "1.25rem", "fontWeight": 600, "lineHeight": 1.3, "padding": "12px 16px"},
    "& .MuiIconButton-root": {"color": "var(--hdl-text)", "flex": "none", "width": 40, "height": 40, "margin": "4px"},
    "@media (max-width: 600px)": {
        "& .MuiDialog-paper": {"margin": "8px", "width": "calc(100% - 16px)", "maxHeight": "calc(100% - 16px)"}
    },
}


class Dialogs:
    """Opens the dialog with one of its contents; files are made off the event loop and handed to the browser."""

    def __init__(self, page: Callable[[], Page], shell: Shell) -> None:
        self._page, self.shell = page, shell
        self.lane = Lane()
        self.layout = pmui.Dialog(title="", close_on_click=True, show_close_button=True, width_option="md", sx=LOOK)
        self.layout.param.watch(self._closed, "open")

    def _open(self, title: str, *content: Any) -> None:
        self.shell.send({"type": "hold focus"})
        self.layout.param.update(title=title, objects=list(content))
        self.layout.open = True

    def _closed(self, event: Any) -> None:
        """The focus goes back to where it was: the frame's own way back does not see into our controls."""
        if not event.new:
            self.shell.send({"type": "give focus"})

    def close(self) -> None:
        """Close the one that is open."""
        self.layout.open = False

    def help(self) -> None:
        """How to read the page."""
        text = f'<div tabindex="0" role="group" aria-label="How to read this page">{self._page().help}</div>'
        self._open("How to read this page", html("prose", text))

    def provenance(self) -> None:
        """Where everything on the screen comes from."""
        # a long text that is scrolled by key needs something in it that can be reached by key
        text = f'<div tabindex="0" role="group" aria-label="Provenance">{self._page().provenance()}</div>'
        self._open("Provenance", html("prose", text))

    def files(self) -> None:
        """What is on the screen, to take away."""
        page = self._page()
        files = page.files()
        items = [{"id": label, "label": label, "kind": "outlined"} for label in files]
        parts: list[Any] = [html("prose", f"<p>{escape(page.exported())}</p>")]
        parts.append(Buttons(lambda label: self._save(*files[label]), items=items, label="Data"))
        pictures = page.pictures()
        if pictures:
            parts.append(self._pictures(pictures))
        code = page.snippet()
        message = {"type": "copy", "what": "snippet", "text": code}
        copy = Buttons(lambda _: self.shell.send(message), items=[{"id": "copy", "label": "Copy the snippet"}])
        snippet = f"<p>The same numbers in Python:</p><pre><code>{escape(code)}</code></pre>"
        self._open("Export", column("exports", *parts, job_bar(self.lane), html("prose", snippet), copy))

    def _pictures(self, pictures: Pictures) -> pn.Row:
        """Width, and a button for each picture."""
        width = pmui.Select(
            label="Width of the pictures", options=WIDTHS, value=2400, **{**SELECT, "width": 230, "sizing_mode": None}
        )

        def save(label: str) -> None:
            name, make = pictures[label]
            self._save(name, "image/png", lambda: make(int(width.value)))

        items = [{"id": label, "label": label, "kind": "outlined"} for label in pictures]
        return row("exportrow", width, Buttons(save, items=items, label="Pictures"))

    def _save(self, name: str, mime: str, make: Callable[[], BytesIO]) -> None:
        def done(made: bytes) -> None:
            self.shell.send(download(name, mime, made))

        self.lane.start(f"Making {name}", lambda progress, cancel: make().getvalue(), done)


def download(name: str, mime: str, made: bytes) -> dict[str, str]:
    """The message that has the browser keep a file."""
    content = base64.b64encode(made).decode("ascii")
    return {"type": "download", "name": f"hdl-{name}", "mime": mime, "content": content}


def tell(message: dict[str, Any]) -> str:
    """What to say after the browser was asked to copy something; shown for a moment where notifications are on."""
    what = "snippet" if message.get("what") == "snippet" else "link"
    good = bool(message.get("ok"))
    text = f"The {what} is on the clipboard." if good else f"The browser did not let the {what} be copied."
    if pn.state.notifications is not None:
        (pn.state.notifications.success if good else pn.state.notifications.warning)(text, duration=2500)
    return text
