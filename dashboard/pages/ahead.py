"""Months sent before they are stepped to: the field of each, and all that the page says of it.

The browser asks for those beside the one it rests on and shows them by itself (`widgets/player.js`); then it asks for
the month as ever, and the answer changes nothing any more. Whatever but the month changes makes untrue what was said:
it is forgotten, and with that comes what is said of the month that the server is at.
"""

from __future__ import annotations

from typing import Any

from bokeh.model import Model

from dashboard.jobs import together, when_arrived
from dashboard.pages.explore_map import MapPart
from dashboard.pages.view import View
from dashboard.widgets import Control

#: At most so many months are sent for one asking.
MOST = 3


def addressed(part: Any, values: dict[str, Any]) -> list[list[Any]]:
    """Properties of a component or model as the browser knows them: [id of a model, {property: value}] for each."""
    if isinstance(part, Model):
        return [[part.id, values]]
    sent = part._process_param_change(values)
    models = [model for model, _ in part._models.values()]
    return [[(model.data if isinstance(part, Control) else model).id, sent] for model in models]


class Ahead:
    """Answers the player of a map; comes after all parts that say something of the month."""

    def __init__(self, view: View, part: MapPart) -> None:
        self.view, self._part, self._player = view, part, part.player
        self._told: set[int] = set()
        self._player.ahead = True
        self._player.on_message("ahead", self._asked)
        part.table.param.watch(lambda _: self.update(frozenset({"table"})), "visible")
        view.follow_everywhere(self.update)

    @property
    def possible(self) -> bool:
        """Whether another month changes nothing but what is said ahead.

        Under a filter of values other cells are left each month, a finer grid is drawn for the window, and a table
        takes longer than the step.
        """
        shown, state = self.view.layer, self.view.state
        plain = shown.seasonal and shown.finer is None and not state.values
        return plain and state.page == "explore" and not self._part.table.visible

    def update(self, names: frozenset[str]) -> None:
        """Keep true what the browser holds."""
        if not self._told:
            return
        with together():
            if names - {"time"}:
                self._told.clear()
                self._player.send({"type": "forget"})
            if self.possible:
                self._tell(self.view.state.month)

    def _asked(self, message: dict[str, Any]) -> None:
        wanted = message.get("at")
        if isinstance(wanted, list):
            when_arrived(lambda: self._answer(wanted))

    def _answer(self, wanted: list[Any]) -> None:
        if not self.possible:
            return
        with together():
            self._tell(self.view.state.month)
            for at in wanted[:MOST]:
                if isinstance(at, int) and 0 <= at < len(self._player.labels):
                    self._tell(at + 1)

    def _tell(self, month: int) -> None:
        if month in self._told:
            return
        look = self.view.look(month)
        self._part.map.keep(look.layer.values, self._part.field, month)
        words = [entry for says in self.view.says for part, values in says(look) for entry in addressed(part, values)]
        self._player.send({"type": "words", "at": month - 1, "words": words})
        self._told.add(month)
