"""Small pieces that several parts of a page share: headings, the bar of a running job, the switch to a table."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import panel as pn

from dashboard.jobs import Lane
from dashboard.pages.growing import Growing
from dashboard.plots.sheet import Sheet
from dashboard.theme import Styled
from dashboard.widgets import Buttons

SELECT = {"size": "small", "variant": "outlined", "margin": 0, "sizing_mode": "stretch_width", "width": None}


class StyledRow(Growing, Styled, pn.Row):
    """A row with the page's style sheet."""


class StyledColumn(Growing, Styled, pn.Column):
    """A column with the page's style sheet."""


class Bare:
    """A pane without the row that Panel makes around each, for one that is shown alone: 11 kB and 0.35 ms each."""

    @staticmethod
    def default_layout(*parts: Any, **params: Any) -> None:
        """None."""

    def _sync_layoutable(self, *events: Any) -> None:
        """Nothing follows the pane's size."""


class StyledHTML(Bare, Styled, pn.pane.HTML):
    """HTML with the page's style sheet."""

    def _update(self, ref: str, model: Any) -> None:
        # only the text is new; Panel gathers style sheets and all else again, eight times as long
        model.update(**self._process_param_change({"object": self.object}))


class Plot(Bare, pn.pane.Bokeh):
    """A figure; as a part of the page it is known by `css_classes`."""

    def __init__(self, figure: Any, **params: Any) -> None:
        super().__init__(figure, **{"sizing_mode": "stretch_width", "margin": 0, **params})


def row(name: str, *objects: Any, **params: Any) -> pn.Row:
    """A row whose place in the page the style sheet knows by `name`."""
    return StyledRow(*objects, css_classes=[name], margin=0, **params)


def column(name: str, *objects: Any, **params: Any) -> pn.Column:
    """A column known by `name` (further names after a space)."""
    return StyledColumn(*objects, css_classes=name.split(), margin=0, **params)


def html(name: str, text: str = "", **params: Any) -> pn.pane.HTML:
    """A piece of HTML known by `name`."""
    return StyledHTML(text, css_classes=[name], margin=0, **params)


def show(part: Any, visible: bool) -> None:
    """Show or hide a part whose place in the style sheet has a display of its own, which would win over `visible`."""
    kept = _as_made(part)
    part.param.update(visible=visible, css_classes=kept if visible else [*kept, "gone"])


def place(part: Any) -> None:
    """Have a part laid out and drawn where it will stand, unseen by anybody."""
    part.param.update(visible=True, css_classes=[*_as_made(part), "staged"])


def _as_made(part: Any) -> list[str]:
    return [name for name in part.css_classes if name not in ("gone", "staged")]


def drawn(sheet: Sheet, **params: Any) -> Plot:
    """A sheet as wide as its place."""
    return Plot(sheet.figure, **params)


def heading(text: str) -> pn.pane.HTML:
    """Heading of a part."""
    return html("heading", f"<h2>{escape(text)}</h2>")


def skeleton(what: str) -> pn.pane.HTML:
    """What stands in a page until its parts are built: where they will be, in grey; `what` is heard as being loaded."""
    said = f'<p class="visually-hidden" role="status">Loading {escape(what)}</p>'
    return html("skeletonpane", f'{said}<div class="skeleton"><i></i><i></i></div>')


def job_bar(lane: Lane, renews: bool = False) -> pn.Row:
    """Progress, what is happening, and cancel; or the sentence of what went wrong. Takes no room while idle.

    What stands under one that `renews` is pale meanwhile: it is of what was chosen before.
    """
    cancel = Buttons(lambda _: lane.cancel(), items=[{"id": "cancel", "label": "Cancel"}])
    text = html("jobtext")
    bar = row("jobbar", text, cancel, visible=False)

    def show(*_: Any) -> None:
        cancel.visible = lane.running
        bar.visible = lane.running or bool(lane.error)
        if renews:
            bar.css_classes = ["jobbar", "renews"] if lane.running else ["jobbar"]
        if lane.running:
            done = round(100 * lane.fraction)
            text.object = (
                f'<div class="progress" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
                f'aria-valuenow="{done}" '
                f'aria-label="{escape(lane.message)}"><i style="width:{max(done, 4)}%"></i></div>'
                f"<p>{escape(lane.message)}</p>"
            )
        else:
            text.object = f'<p class="error" role="alert">{escape(lane.error)}</p>' if lane.error else ""

    lane.param.watch(show, ["running", "fraction", "message", "error"])
    show()
    return bar


def table_switch(table: pn.pane.HTML, fill: Callable[[], None], label: str) -> Buttons:
    """Button that shows or hides the table of a plot; the table is made when asked for."""

    def items() -> list[dict[str, Any]]:
        text = "Hide table" if table.visible else "Table"
        return [{"id": "table", "label": text, "hint": f"{label}: {text.lower()}", "pressed": table.visible}]

    def toggle(_: str) -> None:
        table.visible = not table.visible
        button.items = items()
        if table.visible:
            fill()

    button = Buttons(toggle, items=items(), css_classes=["tableswitch"])
    return button


def choice(label: str, options: dict[str, str], chosen: str, act: Callable[[str], None]) -> Buttons:
    """A few options, id -> text, of which one is chosen."""
    return Buttons(act, label=label, chosen=chosen, items=[{"id": key, "label": text} for key, text in options.items()])
