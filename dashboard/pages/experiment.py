"""Both runs of the selection, without and with the scenario, and what is looked at in them; for any page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from dashboard.jobs import Lane
from dashboard.pages.told import Told
from dashboard.pages.view import View
from dashboard.scenario import changed_span
from dashboard.state import FILTERS
from dashboard.whatif import Runs, means

Update = Callable[[frozenset[str]], None]
#: Cells that are run live with and without the change: some tens of seconds, with progress and cancel.
LIVE_CELLS = 600


class Experiment(Told):
    """Runs the selection without and with the scenario; parts subscribe with `follow`.

    They are told of the changed fields, and of "runs" when new runs have come. While it is not `wanted` nothing is run:
    what has changed by then is made good when it is.
    """

    news = frozenset({"runs"})

    def __init__(self, view: View, wanted: Callable[[], bool] = lambda: True) -> None:
        super().__init__()
        self.view, self.state = view, view.state
        self._wanted, self._outdated = wanted, False
        self.lane = Lane()
        self.lane.param.watch(lambda event: self.tell(frozenset({"runs"})) if event.new else None, "error")
        self.runs: Runs | None = None
        self.empty = ""  # why there are no runs
        view.follow(self._changed)

    @property
    def runs_models(self) -> bool:
        """Whether the source can be run under a change."""
        return self.view.kind in ("model", "twin")

    @property
    def quantity(self) -> str:
        """The quantity looked at: the one of the map where the runs hold it, else stored water."""
        names = self.runs.names if self.runs is not None else []
        return next((name for name in (self.state.variable, "tws", *names) if name in names), "tws")

    @property
    def years(self) -> tuple[int, int]:
        """First and last year shown."""
        if self.runs is None:
            return 0, 9999
        times = self.runs.plain["time"].values.astype("datetime64[Y]").astype(int) + 1970
        first, last = int(times.min()), int(times.max())
        wanted = self.state.years or (first, last)
        low, high = max(wanted[0], first), min(wanted[1], last)
        return (low, high) if low <= high else (first, last)

    def within(self, data: xr.DataArray) -> xr.DataArray:
        """The years shown of a series."""
        first, last = self.years
        return data.sel(time=slice(f"{first}-01-01", f"{last}-12-31"))

    def span(self, days: np.ndarray) -> tuple[Any, Any] | None:
        """When the change holds, where it has dates."""
        return changed_span(self.state.scenario, days) if self.state.scenario else None

    def _changed(self, names: frozenset[str]) -> None:
        moving = {"model", "cell", "focus", "scenario", *FILTERS}
        if self.state.values:  # a value filter lets other cells through each month
            moving |= {"time", "variable", "departure"}
        if names & moving:
            self._outdated = True
        if self._outdated and self._wanted():
            self._outdated = False
            self._run()
        elif self._outdated:
            self.lane.cancel()
            self.runs = None
        self.tell(names)

    def _nothing(self, why: str) -> None:
        self.lane.cancel()
        self.lane.error = ""
        self.runs, self.empty = None, why
        self.tell(frozenset({"runs"}))

    def _run(self) -> None:
        view, scenario = self.view, self.state.scenario
        if not self.runs_models:
            who = view.source.title if view.source is not None else "What is shown"
            self._nothing(f"{who} is data and cannot be changed; choose a model or the twin at the top.")
            return
        of = view.selection.of
        if of.size > LIVE_CELLS:
            self._nothing(
                f"{of.size:,} cells are too many to run while you wait (up to {LIVE_CELLS:,}); narrow the selection, "
                "or compute the map of the difference."
            )
            return
        cells = tuple(int(cell) for cell in view.world["cell"].values[of])
        area, place = view.world["area"].values[of], view.place
        frequency: Any = "daily" if of.size == 1 else "monthly"

        def work(progress: Any, cancel: Any) -> Runs:
            plain = view.run(cells, frequency, lambda part, words="": progress(part / 2, words), cancel)
            changed = plain
            if scenario:
                again = lambda part, words="": progress(0.5 + part / 2, words)  # noqa: E731
                changed = view.run(cells, frequency, again, cancel, scenario)
            return Runs(means(plain, area), means(changed, area), scenario, place)

        self.lane.start("Running the twin" if view.kind == "twin" else "Running the model", work, self._done)

    def _done(self, runs: Runs) -> None:
        self.runs, self.empty = runs, ""
        self.tell(frozenset({"runs"}))
