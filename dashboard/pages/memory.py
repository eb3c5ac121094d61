"""Memory: how far back the past still matters, through which driver, held by which store; heatmap and map linked."""

from __future__ import annotations

from collections.abc import Callable

from dashboard import export, map_picture, memory_export, pictures, retrained
from dashboard.pages.memory_heat import HeatPart
from dashboard.pages.memory_map import BACK, MemoryMapPart
from dashboard.pages.memory_retrained import RetrainedPart
from dashboard.pages.memory_view import Memory
from dashboard.pages.page import Files, Page, Pictures
from dashboard.pages.parts import column, row, skeleton
from dashboard.pages.selecting import FilterPart, PlacePart
from dashboard.pages.view import View
from dashboard.plots.heatmap import figure_html
from dashboard.state import History

HELP = """
<p>Today's water remembers: how far back, through which driver, and held by which store does the past still matter?</p>
<dl class="help">
<dt>Read the heatmap</dt>
<dd>Left is yesterday, right a year ago or more. A box says how much what was that long ago still moves today's stored
water. Bars above add up the ages, bars on the right the rows (or give their mean memory in days).</dd>
<dt>Choose the rows</dt>
<dd>Drivers of the weather; months of the day that is looked at; climate zones of the cells left; or carriers: the
stores, and the networks' hidden state, put back to usual one at a time.</dd>
<dt>Brush</dt>
<dd>Drag over the heatmap, tap a box, or use the buttons and the two fields under it: the map then shows the cells in
which that box holds at least as large a share of the memory as on the land as a whole, and the heatmap is of these.
The chip removes it.</dd>
<dt>Choose where</dt>
<dd>Click the map, write latitude and longitude, filter by climate or region, or drag over the histogram.</dd>
<dt>All land at once, or live</dt>
<dd>Heatmaps of many cells come from precomputed lag cubes. One cell can be computed live: by any method, two years
back, coarse first and then finer.</dd>
<dt>Against the truth</dt>
<dd>For the twin Earth and what learned from it the attributed and the true memory stand side by side.</dd>
<dt>Memory that retraining finds</dt>
<dd>Below all: networks trained again and again on the twin Earth's vegetation with parts of the past withheld (Kraft et
al. 2019). Another question and other numbers than the heatmap's: never to be mixed.</dd>
</dl>"""

STUDY = "Networks trained again and again on the twin Earth's vegetation (docs/memory_study.md); nothing was observed."


class MemoryPage(Page):
    """Two columns, built part by part."""

    help = HELP
    picks = True

    def __init__(self, view: View, history: History) -> None:
        self.view, self.history = view, history
        self.layout = column("columns memorypage", skeleton("the memory"))
        self._memory: Memory | None = None
        self._heat: HeatPart | None = None
        self._map: MemoryMapPart | None = None
        self._retrained: RetrainedPart | None = None

    @property
    def memory(self) -> Memory:
        """The page's model; made when first needed."""
        if self._memory is None:
            self._memory = Memory(self.view)
        return self._memory

    def steps(self) -> list[Callable[[], None]]:
        """What is seen first, then what stands under it."""
        return [self._heatmap, self._where, self._world, self._study]

    def _heatmap(self) -> None:
        """Heatmap."""
        self._heat = HeatPart(self.memory)
        self.layout[:] = [column("left", self._heat.layout), column("right")]

    def _where(self) -> None:
        """Place, box, filters."""
        assert self._heat is not None
        place, where = PlacePart(self.view), FilterPart(self.view, self.history)
        chosen = column("wherepart", place.layout, where.chips)
        filters = row("filters", where.zones, where.latitude, where.region, where.covers)
        self.layout[1].extend([chosen, self._heat.boxing, column("filterpart", filters)])

    def _world(self) -> None:
        """The map under the heatmap."""
        self._map = MemoryMapPart(self.memory)
        self.layout[0].append(self._map.layout)

    def _study(self) -> None:
        """What retraining finds."""
        self._retrained = RetrainedPart(self.view)
        self.layout[0].append(self._retrained.layout)

    # -- to take away -------------------------------------------------------------------------------------------

    def exported(self) -> str:
        """What the files hold."""
        return f"The heatmaps on the screen, and the memory of the cells left. {self.view.label}"

    def files(self) -> Files:
        """Heatmaps and map."""
        held, csv, netcdf = self.memory, "text/csv", "application/x-netcdf"
        mark = f"{self.view.model}-generated-" if self.view.generated else ""
        found: Files = {}
        if held.own.heat is not None or held.other.heat is not None:
            found["Heatmap as CSV"] = (f"{mark}memory.csv", csv, lambda: memory_export.heat_csv(held))
            found["Heatmap as NetCDF"] = (f"{mark}memory.nc", netcdf, lambda: memory_export.heat_netcdf(held))
        if self.view.fields is not None and "memory_time" in self.view.fields:
            found["Map as CSV"] = (f"{mark}memory-map.csv", csv, lambda: memory_export.map_csv(self.view, BACK))
            found["Map as NetCDF"] = (
                f"{mark}memory-map.nc", netcdf, lambda: memory_export.map_netcdf(self.view, BACK),
            )  # fmt: skip
        found["Memory that retraining finds, as NetCDF"] = ("generated-memory-study.nc", netcdf, retrained.netcdf)
        return found

    def pictures(self) -> Pictures:
        """The heatmaps, the map, and what retraining finds, once it is shown."""
        foot, generated, part, study = pictures.credit(self.view), self.view.generated, self._map, self._retrained
        found = pictures.drawn(
            {"Heatmap as PNG": ("memory.png", self._heat, "Memory of stored water")}, foot, generated
        )
        if part is not None:
            found |= map_picture.worlds("memory-map.png", {"": part.map}, part.key, foot, generated)
        return found | (study.pictures(pictures.credit(self.view, STUDY)) if study is not None else {})

    def figures(self) -> list[str]:
        """The heatmap as a coloured table."""
        own = self.memory.own
        return [figure_html(own.heat, self.view.state.signed, self.view.place)] if own.heat is not None else []

    def snippet(self) -> str:
        """The heatmap in Python."""
        return memory_export.snippet(self.memory)

    def provenance(self) -> str:
        """Of the source that remembers."""
        return export.provenance_html(self.view)
