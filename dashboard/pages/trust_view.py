"""What follows from the state on the Trust page: the model's card, the score on the map, what it is held against."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard import engine, trust
from dashboard.layers import Layer, layer
from dashboard.pages.told import Told
from dashboard.pages.view import View
from dashboard.state import FILTERS
from hdlcore.runtime.engine import ModelInfo
from hdlcore.variables import VARIABLES

Update = Callable[[frozenset[str]], None]
#: What may change which cells are let through.
MOVING = frozenset({"model", "cell", "focus", "variable", "time", "departure", *FILTERS})


class Trust(Told):
    """Derived from the view; parts subscribe with `follow`."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self.view, self.state = view, view.state
        self._pairs: tuple[tuple[str, str], trust.Pairs | None] | None = None
        self.info: ModelInfo | None = None
        self.names: list[str] = []
        self.layer: Layer | None = None
        self.refresh()
        view.follow(self._changed)

    def _changed(self, names: frozenset[str]) -> None:
        self.refresh()
        self.tell(names)

    def refresh(self) -> None:
        """Card and score anew."""
        view = self.view
        self.info = engine.get_models().get(view.model)
        self.names = trust.score_names(view.fields) if self.info is not None else []
        shown = self.shown
        self.layer = (
            layer(shown, self.state.month, False, view.observed, view.fields, view.generated) if shown else None
        )

    @property
    def shown(self) -> str:
        """The score on the map: the quantity of the state where it is one, else the first; empty without scores."""
        return self.state.variable if self.state.variable in self.names else next(iter(self.names), "")

    @property
    def target(self) -> str:
        """The quantity that the score is of."""
        return trust.target_of(self.shown)

    @property
    def problem(self) -> str:
        """Why there is nothing to judge; empty where there is."""
        view = self.view
        if self.info is None:
            if view.kind == "twin":
                return (
                    "The twin Earth is itself the truth that models are held against: choose the model trained on it, "
                    "above, to see how much of that truth was found."
                )
            who = view.source.title if view.source is not None else "What is shown"
            return f"{who} is data, not a model: there is nothing to trust or mistrust here. Choose a model above."
        return ""

    @property
    def lack(self) -> str:
        """Why a model that can be judged has no map of scores; empty where it has."""
        if self.info is None or self.names:
            return ""
        return self.view.fields_problem or "This model ships no scores by cell, so there is no map of them."

    @property
    def truth(self) -> xr.Dataset | None:
        """Fields of the twin's truth, for a model that was trained on the twin; else None."""
        if not self.view.generated or self.info is None:
            return None
        twins = [info.id for info in self.view.sources().values() if info.kind == "twin"]
        fields = engine.get_fields(twins[0])[0] if twins else None
        same = fields is not None and np.array_equal(fields["cell"].values, self.view.world["cell"].values)
        return fields if same else None

    @property
    def pairs(self) -> trust.Pairs | None:
        """What the model's seasons can be held against, for the quantity of the score."""
        key = (self.view.model, self.target)
        if self._pairs is None or self._pairs[0] != key:
            fields = self.view.fields if self.info is not None else None
            made = trust.pairs(self.target, fields, self.truth, self.view.generated) if fields is not None else None
            self._pairs = (key, made)
        return self._pairs[1]

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Cells let through, (cell)."""
        return self.view.selection.mask

    def mask_of_zones(self) -> NDArray[np.bool_]:
        """Cells let through by every filter but that of the climate zone, whose rows stay while one is chosen."""
        return self.view.selection.without("climate_zones")

    @property
    def title(self) -> str:
        """What the score is called."""
        return VARIABLES[self.shown].long_name if self.shown else ""

    @property
    def at(self) -> int | None:
        """Position of the chosen cell, None while the selection is of many."""
        selection = self.view.selection
        return selection.position if selection.single else None
