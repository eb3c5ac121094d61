"""What if: an experiment on the left, with both runs of the selection; place, map and a pulse of rain on the right."""

from __future__ import annotations

from collections.abc import Callable

from dashboard import export, map_picture, pictures, whatif_export
from dashboard.pages.experiment import Experiment
from dashboard.pages.page import Files, Page, Pictures
from dashboard.pages.parts import column, heading, skeleton
from dashboard.pages.selecting import FilterPart, PlacePart
from dashboard.pages.view import View
from dashboard.pages.whatif_controls import ControlPart
from dashboard.pages.whatif_map import DifferencePart
from dashboard.pages.whatif_pulse import PulsePart
from dashboard.pages.whatif_runs import RunsPart
from dashboard.state import History
from hdlcore.variables import variable

HELP = """
<p>Change the weather and let the model run again: the page shows the run as it was, the changed one, and what is
different in every store and flux.</p>
<dl class="help">
<dt>Set up an experiment</dt>
<dd>Press a ready one, or move the sliders; a double click on a slider brings it back. <em>When</em> says in which
season or year rain, temperature and radiation are changed. Whatever the sliders cannot say can be written as text:
<kbd>precipitation*0.5@2003-06..2003-08</kbd>.</dd>
<dt>Read the result</dt>
<dd>Above, both runs of the quantity; below, the difference. The small pictures show every store and flux: click one
to see it large.</dd>
<dt>Choose where</dt>
<dd>Click the map, write latitude and longitude, or choose a region: then the area-weighted mean is run.</dd>
<dt>See it everywhere</dt>
<dd><em>Compute the map</em> runs all cells left, coarse first; it can be cancelled, and what is done stays.</dd>
<dt>Follow a pulse</dt>
<dd>Rain on one day, and where its water is on each day of the year after.</dd>
</dl>"""


class WhatIfPage(Page):
    """Two columns, built part by part."""

    help = HELP
    picks = True

    def __init__(self, view: View, history: History) -> None:
        self.view, self.history = view, history
        self.layout = column("columns whatif", skeleton("the experiment"))
        self._experiment: Experiment | None = None
        self._runs: RunsPart | None = None
        self._map: DifferencePart | None = None
        self._pulse: PulsePart | None = None

    @property
    def experiment(self) -> Experiment:
        """The runs; made when first needed."""
        if self._experiment is None:
            self._experiment = Experiment(self.view)
        return self._experiment

    def steps(self) -> list[Callable[[], None]]:
        """What is seen first, then what stands under it."""
        return [self._controls, self._both, self._where, self._world, self._pulsed]

    def _controls(self) -> None:
        """What can be changed."""
        controls = ControlPart(self.experiment)
        left = column("left", heading("What if the weather were different?"), controls.layout)
        self.layout[:] = [left, column("right")]

    def _both(self) -> None:
        """Both runs."""
        self._runs = RunsPart(self.experiment)
        self.layout[0].append(self._runs.layout)

    def _where(self) -> None:
        """Place."""
        place, where = PlacePart(self.view), FilterPart(self.view, self.history)
        self.layout[1].append(column("wherepart", place.layout, where.chips, where.region))

    def _world(self) -> None:
        """Map."""
        self._map = DifferencePart(self.experiment)
        self.layout[1].append(self._map.layout)

    def _pulsed(self) -> None:
        """Pulse."""
        self._pulse = PulsePart(self.experiment)
        self.layout[1].append(self._pulse.layout)

    # -- to take away -------------------------------------------------------------------------------------------

    def exported(self) -> str:
        """What the files hold."""
        return f"Both runs of the selection, every store and flux, and their difference. {self.view.label}"

    def files(self) -> Files:
        """Both runs, the map as far as it is known, the pulse."""
        experiment, csv, netcdf = self.experiment, "text/csv", "application/x-netcdf"
        found: Files = {}
        if experiment.runs is not None:
            found["Both runs as CSV"] = ("what-if.csv", csv, lambda: whatif_export.runs_csv(experiment))
            found["Both runs as NetCDF"] = ("what-if.nc", netcdf, lambda: whatif_export.runs_netcdf(experiment))
        part, view = self._map, self.view
        known = part.job.fields if part is not None else None
        if part is not None and known is not None and part.job.difference(part.name) is not None:
            name = part.name
            found["Difference map as CSV"] = (
                "what-if-map.csv", csv, lambda: whatif_export.map_csv(view, known, name),
            )  # fmt: skip
            found["Difference map as NetCDF"] = (
                "what-if-map.nc", netcdf, lambda: whatif_export.map_netcdf(view, known, name),
            )  # fmt: skip
        if self._pulse is not None and self._pulse.way is not None:
            way = self._pulse.way
            found["Pulse as CSV"] = ("pulse.csv", csv, lambda: whatif_export.pulse_csv(view, way))
            found["Pulse as NetCDF"] = ("pulse.nc", netcdf, lambda: whatif_export.pulse_netcdf(view, way))
        return found

    def pictures(self) -> Pictures:
        """Both runs, the pulse, the map of the difference."""
        what = variable(self.experiment.quantity).long_name
        parts = {
            "Both runs as PNG": ("what-if.png", self._runs, what),
            "Pulse as PNG": ("pulse.png", self._pulse, "A pulse of rain on its way"),
        }
        foot, generated, part = pictures.credit(self.view), self.view.generated, self._map
        world = (
            {} if part is None else map_picture.worlds("what-if-map.png", {"": part.map}, part.legend, foot, generated)
        )
        return pictures.drawn(parts, foot, generated) | world

    def figures(self) -> list[str]:
        """Both runs of the quantity, drawn."""
        return self._runs.figures() if self._runs is not None else []

    def snippet(self) -> str:
        """Both runs in Python."""
        return whatif_export.snippet(self.experiment)

    def provenance(self) -> str:
        """Of the source that is run."""
        return export.provenance_html(self.view)
