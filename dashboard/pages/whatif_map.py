"""The map of the page: what is chosen on it, and the difference that the change makes, coarse first and then finer."""

from __future__ import annotations

from html import escape

import numpy as np
from numpy.typing import NDArray

from dashboard import scenario_fields
from dashboard.layers import MONTHS, ticks
from dashboard.pages.experiment import Experiment
from dashboard.pages.maps import chooses, map_pane
from dashboard.pages.parts import column, html, job_bar, row
from dashboard.pages.scenario_job import ScenarioJob
from dashboard.plots.palette import palette
from dashboard.plots.worldmap import WorldMap
from dashboard.scenario import in_words
from dashboard.state import FILTERS
from dashboard.summary import quantity, units_in_words
from dashboard.widgets import Buttons, ColorKey
from hdlcore.variables import variable

FIGURE = "difference-map"


class DifferencePart:
    """A map to choose the cell on; under a scenario it can be filled with the difference of all cells left."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment, self.view, self.state = experiment, experiment.view, experiment.state
        self.job = ScenarioJob(self.view, self._show)
        ids = self.view.world["cell"].values
        self.map = chooses(self.view, WorldMap(FIGURE, self.view.projection("equal_earth"), ids, self.view.dark))
        self.caption = html("caption")
        self.button = Buttons(lambda _: self.job.start(), items=[])
        self.legend = ColorKey(css_classes=["legend"])
        self.note = html("plotnote")
        self.layout = column(
            "part differencepart",
            row("parthead", self.caption, self.button),
            job_bar(self.job.lane),
            row("stage", map_pane(self.map), self.legend),
            self.note,
        )
        self.job.lane.param.watch(lambda _: self._offer(), "running")
        experiment.follow(self.update)

    def update(self, names: frozenset[str]) -> None:
        """Follow scenario, quantity, month and selection."""
        if "dark" in names:
            self.map.set_mode(self.view.dark)
        if names & {"scenario", "model", *FILTERS}:
            self.job.refresh()
        if names & {"cell", "focus", *FILTERS}:
            self.map.set_flags(self.view.selection.mask, self.view.selection.outline, None)
            self.map.set_pick(self.view.selection.position if self.view.selection.single else None)
        if names & {"scenario", "model", "variable", "time", "dark", "runs", "cell", "focus", *FILTERS}:
            self._show()

    @property
    def name(self) -> str:
        """The quantity of the map; of more cells than are run as series too, it is the one that was chosen."""
        held = self.job.fields
        if self.experiment.runs is None and held is not None and self.state.variable in held.values:
            return str(self.state.variable)
        return self.experiment.quantity

    def _show(self) -> None:
        lacking = self.job.lacking
        values = self.job.difference(self.name)
        wanted = self._offer()
        self.legend.visible = values is not None
        if values is None:
            self._empty(wanted, lacking)
        else:
            self._draw(values, lacking)

    def _offer(self) -> bool:
        """The button, where there is something to compute; at rest while it is computed."""
        wanted = self.job.possible and self.job.lacking > 0
        label = "Compute the map" if self.job.difference(self.name) is None else "Compute the rest"
        item = {"id": "map", "label": label, "kind": "outlined", "disabled": self.job.lane.running}
        self.button.items = [item] if wanted else []
        return wanted

    def _empty(self, wanted: bool, lacking: int) -> None:
        self.map.set_values(np.full(self.view.selection.mask.size, np.nan, np.float32))
        self.caption.object = "<p><b>Where</b></p>"
        hint = "Click a land cell to choose it."
        if wanted:
            hint += f" The map of the difference takes minutes for {lacking:,} cells; the coarse one is soon there."
        self.note.object = f"<p>{hint}</p>"
        self.map.describe(f"Map: choose a place. Chosen: {self.view.place}.")

    def _draw(self, season: NDArray[np.float32], lacking: int) -> None:
        held, world, mask, entry = self.job.fields, self.view.world, self.view.selection.mask, variable(self.name)
        assert held is not None
        values = season[self.state.month - 1]
        limit = scenario_fields.round_limit(season[:, held.known])
        colors = palette("vik" if self.name == "air_temperature" else "vik_r")
        self.map.set_colors(colors, -limit, limit)
        self.map.set_values(scenario_fields.filled(values, held.known, world["lat"].values, world["lon"].values))
        what = f"{entry.long_name[0].lower()}{entry.long_name[1:]}"
        month, good = MONTHS[self.state.month - 1], mask & held.known & np.isfinite(values)
        self.caption.object = f"<p><b>Difference of {escape(what)} in {month}</b></p>"
        counts = np.histogram(np.clip(values[good], -limit, limit), bins=40, range=(-limit, limit))[0]
        self.legend.param.update(
            label=f"Difference of {what}", units=units_in_words(entry.units) or "share",
            palette=[*colors[::8], colors[-1]], low=-limit, high=limit, ticks=ticks(-limit, limit),
            counts=[int(n) for n in counts], mode="fixed", brush=None, explanation=entry.explanation,
        )  # fmt: skip
        area = world["area"].values.astype(float)[good]
        mean = quantity(float(np.average(values[good], weights=area)), entry.units) if good.any() else "nothing known"
        coarse = f" {lacking:,} of {int(mask.sum()):,} cells still show their nearest neighbour." if lacking else ""
        said = (
            f"{in_words(self.state.scenario)}: {what} in {month} changes by {mean} on average over the cells run "
            "(area-weighted)."
        )
        lead = escape(said[0].upper() + said[1:])
        self.note.object = f'<p role="status">{lead}{coarse} Mean of the six years, changed minus as it was.</p>'
        self.map.describe(f"Map of the difference: {said}")
