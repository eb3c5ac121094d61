"""Our own small controls: plain HTML with labels and keys, where no ready widget has them.

Each is a Python class here and a script of the same name beside it. They hold no state of their own: they show
parameters and send messages.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import panel as pn
import param

from dashboard.theme import Styled

_HERE = Path(__file__).parent


def _script(name: str) -> str:
    return (_HERE / f"{name}.js").read_text(encoding="utf-8")


class Control(Styled, pn.custom.JSComponent):
    """A control whose script sends messages `{"type": ...}` to the handlers given by `on`."""

    sheet = "components.css"
    _esm = "export function render() {}"

    def __init__(self, **params: Any) -> None:
        super().__init__(**{"margin": 0, **params})
        self._handlers: dict[str, Callable[[dict[str, Any]], object]] = {}

    def on_message(self, kind: str, handler: Callable[[dict[str, Any]], object]) -> None:
        """Call `handler(message)` for each message of that type."""
        self._handlers[kind] = handler

    def send(self, message: dict[str, Any]) -> None:
        """Send a message to the script."""
        self._send_msg(message)

    def _handle_msg(self, data: Any) -> None:
        handler = self._handlers.get(str(data.get("type"))) if isinstance(data, dict) else None
        if handler is not None:
            handler(data)


class Shell(Control):
    """Document-wide matters: colour mode, address, shortcuts, announcements.

    With `ahead` it sends `rests` when the visitor does, for the next piece of a page nobody has opened yet, and `acts`
    when they act before it has come; `made` answers, and says whether anything is `left`.
    """

    dark = param.Boolean(False)
    query = param.String("", doc="What the address should say after '?'; another month adds no entry to the history.")
    say = param.String("", doc="Announced to screen readers.")
    title = param.String("HDL Explorer", doc="Title of the browser's tab.")
    ahead = param.Boolean(False, doc="Ask for pages before they are opened.")
    _esm = _script("shell")


class Nav(Control):
    """The pages, as links; sends `open` with the id of the page, and `near` when a pointer or the focus comes on it."""

    ANY = "ANY"  # stands in `query` for the id of the page
    items = param.List([], doc="Each {id, label}; the first is the page of an address that names none.")
    query = param.String("", doc="The address of any page, after '?'.")
    chosen = param.String("")
    _esm = _script("nav")


class DataList(Control):
    """Data sets as cards of which one is chosen; sends `choose` with its id."""

    label = param.String("")
    items = param.List([], doc="Each {id, title, marks, lines}.")
    chosen = param.String("")
    _esm = _script("datalist")


class Upload(Control):
    """Chooses files and sends them piece by piece, as the handlers of `chosen` and `piece` ask for them."""

    label = param.String("")
    accept = param.String("", doc="Endings offered, as in '.csv,.nc'.")
    limit = param.Integer(0, doc="Bytes that all files together may have.")
    piece = param.Integer(700_000, doc="Bytes of a piece; its message stays far under the server's limit.")
    disabled = param.Boolean(False)
    _esm = _script("upload")


class Player(Control):
    """Months: previous, play, next, slider. Sends `step` with an index, and no other until `value` says it is shown.

    With `ahead` it also asks for the months beside the one shown (`ahead` with indices), keeps what comes back
    (`words`: what models of the page say in a month; until `forget`), and shows such a month before the server has
    answered.
    """

    value = param.Integer(0, doc="Index into labels of what is shown.")
    labels = param.List([], item_type=str)
    interval = param.Integer(700, doc="Milliseconds between frames.")
    ahead = param.Boolean(False, doc="Ask for months before they are stepped to.")
    _esm = _script("player")

    def on_step(self, act: Callable[[int], None]) -> None:
        """Call `act(index)` when another one is asked for; that it is shown is told by setting `value`."""

        def step(message: dict[str, Any]) -> None:
            at = message.get("at")
            if isinstance(at, int) and 0 <= at < len(self.labels):
                act(at)

        self.on_message("step", step)


class ColorKey(Control):
    """Colour ramp with histogram, brush, range fields and padlock."""

    label = param.String("")
    units = param.String("")
    explanation = param.String("")
    palette = param.List([], item_type=str, doc="CSS colours from low to high.")
    low = param.Number(0.0)
    high = param.Number(1.0)
    ticks = param.List([])
    counts = param.List([], doc="Cells in equal bins from low to high; the end bins hold what lies beyond.")
    brush = param.Parameter(None, doc="[low, high] of the value filter, or None.")
    mode = param.Selector(default="fixed", objects=["fixed", "auto", "set"])
    _esm = _script("colorkey")


class Triangle(Control):
    """Legend of a map of three shares."""

    label = param.String("")
    names = param.List([], doc="Of the corners: top, left, right.")
    colors = param.List([], item_type=str, doc="One for each small triangle, as dashboard.plots.ternary counts them.")
    steps = param.Integer(1, doc="Small triangles along a side.")
    at = param.Parameter(None, doc="[x, height] of the chosen place in a triangle of side 1, or None.")
    _esm = _script("triangle")


class Chips(Control):
    """The selection as chips, the count of cells left, clear and undo."""

    items = param.List([])
    count = param.String("")
    empty = param.Boolean(False)
    can_undo = param.Boolean(False)
    _esm = _script("chips")


class Place(Control):
    """Name, facts, latitude and longitude fields, sentence."""

    title = param.String("")
    facts = param.List([])
    lat = param.Number(0.0)
    lon = param.Number(0.0)
    sentence = param.String("")
    message = param.String("")
    _esm = _script("place")


class MapTools(Control):
    """Drag mode and zoom of a map figure found by its name."""

    figure = param.String("")
    mode = param.Selector(default="move", objects=["move", "box", "polygon", "lasso"])
    _esm = _script("maptools")


class Readout(Control):
    """Value and place under the pointer."""

    units = param.String("")
    names = param.List([], item_type=str, doc="Of classes, the first of value 1; empty for numbers.")
    _esm = _script("readout")


class RangeField(Control):
    """Two number fields as one range; an empty field is open."""

    label = param.String("")
    low = param.Parameter(None)
    high = param.Parameter(None)
    hints = param.List([], doc="Placeholders of the two fields.")
    _esm = _script("rangefield")


class Slider(Control):
    """One number on a track; sends `set` with the value when it is let go."""

    label = param.String("")
    value = param.Number(0.0)
    low = param.Number(-1.0)
    high = param.Number(1.0)
    step = param.Number(1.0)
    neutral = param.Number(0.0, doc="Where nothing is changed; a double click goes there.")
    rest = param.String("as it is", doc="What is said at the neutral place.")
    units = param.String("")
    signed = param.Boolean(True, doc="Write a plus or minus before the number.")
    disabled = param.Boolean(False)
    _esm = _script("slider")


class Tiles(Control):
    """Small line pictures of which one is chosen; sends `choose` with its id."""

    label = param.String("")
    items = param.List([], doc="Each {id, label, value, line}.")
    chosen = param.String("")
    _esm = _script("tiles")


class SpreadRows(Control):
    """Groups as rows of where their values lie; sends `toggle` with the id of one."""

    label = param.String("")
    items = param.List([], doc="Each {id, label, ends: [] or five quantiles, value, count, said, pressed}.")
    low = param.Number(0.0)
    high = param.Number(1.0)
    marks = param.List([], doc="Values that are marked in every row, as zero.")
    _esm = _script("spreadrows")


class TextLine(Control):
    """One line of text; sends `text` when it has been written; `problem` is said under it."""

    label = param.String("")
    value = param.String("")
    hint = param.String("")
    problem = param.String("")
    disabled = param.Boolean(False)
    _esm = _script("textline")


class Swipe(Control):
    """Moves the border between two maps that lie on each other."""

    value = param.Integer(50, bounds=(0, 100), doc="Percent of the width at the beginning.")
    _esm = _script("swipe")


class Guide(Control):
    """A step of a tour; sends `next`, `back`, `end`, `again`, `present`, `handout`; at its end `finish`, `onward`."""

    title = param.String("")
    step = param.Dict({}, doc="{title, text (HTML), question or None}; empty hides the guide.")
    look = param.String("", doc="Which part of the page to frame.")
    stop = param.Integer(1)
    count = param.Integer(1)
    onward = param.String("", doc="Title of the tour that follows this one, or empty.")
    presenting = param.Boolean(False)
    wandered = param.Boolean(False, doc="The view is no longer that of the step.")
    _esm = _script("guide")


class TourCards(Control):
    """The tours; sends `start` with an id."""

    items = param.List([], doc="Each {id, title, summary, about, action}.")
    day = param.Dict({}, doc="Address of each card's picture in light colours, by id; empty before it was needed.")
    night = param.Dict({}, doc="The same in dark colours.")
    dark = param.Boolean(False)
    _esm = _script("tourcards")


class TourEditor(Control):
    """A form for a tour; sends `draft` with what is written, `at`, `file`, `try` and `save`."""

    draft = param.Dict({}, doc="A tour as its JSON has it, perhaps incomplete.")
    at = param.Integer(0, doc="Step that is edited.")
    view = param.String("", doc="Link of the view looked at last.")
    problem = param.String("")
    _esm = _script("toureditor")


class Buttons(Control):
    """Labelled buttons that call `act(id)`; with `chosen` set, a group of which one is chosen."""

    items = param.List([], doc="Each {id, label, icon?, hint?, kind?, disabled?, pressed?}.")
    chosen = param.String(None, allow_None=True)
    joined = param.Boolean(False, doc="Draw them as one bar, for toggles.")
    label = param.String("")
    _esm = _script("buttons")

    def __init__(self, act: Callable[[str], None] | None = None, **params: Any) -> None:
        super().__init__(**params)
        if act is not None:
            self.on_message("press", lambda message: act(str(message.get("id"))))
