"""Mean seasons of every member at the selection, run live; for any page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import xarray as xr

from dashboard import engine
from dashboard.jobs import Lane
from dashboard.members import Members, members_of
from dashboard.pages.view import View
from hdlcore.runtime.requests import SimulationRequest

#: Cells that are run with every member: a few seconds.
MOST_CELLS = 300


class MemberRuns:
    """Runs the members when the selection or the model is another; calls `told` when they have come."""

    def __init__(self, view: View, told: Callable[[], None]) -> None:
        self.view, self._told = view, told
        self.lane = Lane()
        self._key: tuple[Any, ...] | None = None
        self._members: Members | None = None

    def members(self) -> Members | None:
        """The members at the selection; None until they ran, and where the cells are too many."""
        self._run()
        return self._members

    @property
    def lack(self) -> str:
        """Why there are no members yet."""
        count = self.view.selection.of.size
        if self._members is not None:
            return ""
        if count > MOST_CELLS:
            return (
                f"{count:,} cells are too many to run with every member while you wait (up to {MOST_CELLS:,}); narrow "
                "the selection."
            )
        return self.lane.error or "Every member is run for this place; one moment."

    def season(self, number: int) -> xr.Dataset:
        """Departures of a member's stores (member from 1) from their yearly means, mm, (month); empty until it ran."""
        held = self.members()
        if held is None:
            return xr.Dataset()
        found = {name: ("month", values[number - 1], {"units": "mm"}) for name, values in held.cycle.items()}
        return xr.Dataset(found, {"month": range(1, 13)})

    def _run(self) -> None:
        view, of = self.view, self.view.selection.of
        cells = tuple(int(cell) for cell in view.world["cell"].values[of])
        if self._key == (view.model, cells):
            return
        self._key, self._members = (view.model, cells), None
        self.lane.cancel()
        if of.size > MOST_CELLS:
            return
        model, area, asker = view.model, view.world["area"].values[of], view.asker

        def work(progress: Any, cancel: Any) -> Members:
            request = SimulationRequest(model, cells, frequency="monthly")
            return members_of(engine.get_engine().members(request, progress, cancel, asker), area)

        self.lane.start("Running every member", work, self._done)

    def _done(self, members: Members) -> None:
        self._members = members
        self._told()
