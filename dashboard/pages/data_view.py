"""What follows from the state on the Data page: the chosen data set, site, quantity and step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import xarray as xr

from dashboard.datasets import Catalogue, DataSet, Quantity
from dashboard.jobs import sentence
from dashboard.pages.told import Told
from dashboard.pages.view import View
from dashboard.sites import called, default_site, site_name
from dashboard.state import OF_DATA, STEPS, apply

Update = Callable[[frozenset[str]], None]
EVERYTHING = frozenset({*OF_DATA, "dark", "sets"})


class DataView(Told):
    """Derived from the state; parts subscribe with `follow` and are told which fields changed."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self.view, self.state, self.world = view, view.state, view.world
        self.catalogue = Catalogue(view.uploads)
        self.sets: dict[str, DataSet] = {}
        self.data: DataSet
        self.site = 0
        self.quantity: Quantity | None = None
        self.step = ""
        self.series: xr.DataArray | None = None  # what is drawn
        self._refresh(EVERYTHING)
        self.state.param.watch(self._changed, list(OF_DATA))
        view.param.watch(self._changed, ["dark"])
        view.uploads.param.watch(lambda _: self.tell(frozenset({"sets"})), "changed")
        view.follow(self._moved)

    def _changed(self, *events: Any) -> None:
        self.tell(frozenset(event.name for event in events))

    def _moved(self, _: frozenset[str]) -> None:
        """Another cell was chosen while the page was not open: where no site was, it is of that."""
        if self.state.site is None and self.site != default_site(self.data, self.state.cell):
            self.tell(frozenset({"site"}))

    def tell(self, names: frozenset[str]) -> None:
        """Refresh, and tell every part."""
        try:
            before = self.data.about.id
            self._refresh(names)
            if self.data.about.id != before:
                names |= {"dataset", "site", "quantity", "step", "years"}
            super().tell(names)
        except Exception as error:
            self.view.notice = sentence(error, "Showing the data")

    def _refresh(self, names: frozenset[str]) -> None:
        state, notices = self.state, []
        if names & {"sets", "dataset"}:
            self.sets = self.catalogue.sets()
            if state.dataset and state.dataset not in self.sets:
                notices.append(
                    f"No data set is called '{state.dataset}' here; "
                    "uploads are seen only in the session they were made in."
                )
        chosen = state.dataset if state.dataset in self.sets else next(iter(self.sets))
        self.data = self.sets[chosen]
        count = self.data.places.sizes["cell"]
        if state.site is not None and state.site >= count > 0:
            notices.append(f"{self.data.about.title} has {count:,} sites, none with the number {state.site}.")
        held = state.site is not None and state.site < count
        self.site = int(state.site) if held else default_site(self.data, state.cell)
        quantities = self.data.quantities
        if state.quantity and state.quantity not in quantities and "quantity" in names and quantities:
            notices.append(f"{self.data.about.title} has no '{state.quantity}'.")
        self.quantity = quantities.get(state.quantity) or next(iter(quantities.values()), None)
        steps = self.quantity.steps if self.quantity is not None else ()
        self.step = state.step if state.step in steps else next(iter(steps), "")
        if notices:
            self.view.notice = " ".join(notices)

    def choose(self, set_id: str) -> None:
        """Show another data set from its first site on; what it cannot show of the old choice is dropped."""
        kept = self.sets[set_id].quantities
        quantity = self.state.quantity if self.state.quantity in kept else ""
        step = self.state.step if quantity and self.state.step in kept[quantity].steps else ""
        apply(self.state, {"dataset": set_id, "site": None, "years": None, "quantity": quantity, "step": step})

    @property
    def site_name(self) -> str:
        """Name of the chosen site as its data have it, marked where it is of a made-up world."""
        if not self.data.places.sizes["cell"]:
            return "No site"
        name = site_name(self.data, self.site, self.world)
        return f"{name} (generated)" if self.data.about.generated else name

    @property
    def site_label(self) -> str:
        """The same as it stands on the screen."""
        return called(self.site_name)

    @property
    def step_name(self) -> str:
        """The step in words."""
        return STEPS.get(self.step, "")
