"""Explore: the map, its months and filters on the left; place, components and memory of the selection on the right."""

from __future__ import annotations

from collections.abc import Callable

from dashboard import export, map_picture, pictures, tours
from dashboard.pages.ahead import Ahead
from dashboard.pages.explore_map import MapPart
from dashboard.pages.explore_memory import MemoryPart
from dashboard.pages.explore_series import SeriesPart
from dashboard.pages.page import Files, Page, Pictures
from dashboard.pages.parts import column, skeleton
from dashboard.pages.selecting import FilterPart, PlacePart
from dashboard.pages.view import View
from dashboard.state import History, State, defaults
from dashboard.widgets import Buttons

HELP = """
<p>The map shows what a hybrid model of the Earth's water, physics and a neural network together, stores and remembers;
or the twin Earth, a made-up world whose every store is known; or a data set of your own. Choose at the top.</p>
<dl class="help">
<dt>Pick a place</dt>
<dd>Click a land cell, or write its latitude and longitude on the right. The curves and the heatmap follow.</dd>
<dt>Step through the year</dt>
<dd>Drag the month, press play, or use the arrow keys <kbd>←</kbd> <kbd>→</kbd>.</dd>
<dt>Choose many cells</dt>
<dd>Filter by climate, region, land cover, latitude; draw a box or an outline; drag over the histogram at the colours.
Filters combine, and the curves become the area-weighted mean, or, with "All cells", every cell's curve as a density
with the quantiles of the area.</dd>
<dt>Look at the real Earth</dt>
<dd>ERA5's rain and temperature, elevation, greenness, land cover and climate classes are drawn on a grid of 0.25°:
zoom in to see its cells: with the buttons, with the wheel and <kbd>Ctrl</kbd>, or with two fingers.</dd>
<dt>Read the curves</dt>
<dd>Snow, soil moisture and groundwater add up to the total. Circles are GRACE, seen from space; the thin line is the
model smoothed as GRACE sees it. Bands show how far the model's members differ.</dd>
<dt>Read the heatmap</dt>
<dd>Each box says how much the weather of that age still moves the water stored today.</dd>
<dt>Undo</dt>
<dd><kbd>Ctrl</kbd> <kbd>Z</kbd>, or the button beside the chips. The browser's back button works too.</dd>
</dl>"""


def invitation(state: State) -> Buttons | None:
    """The first tour, offered to who opens the app on no particular view, until a tour is begun; None where not."""
    found = tours.all_tours()[0]
    if not found or state.snapshot() != defaults():
        return None
    name, tour = next(iter(found.items()))
    item = {"id": name, "label": "New here? Take a tour", "hint": f"New here? Take a tour: {tour.title}"}
    button = Buttons(lambda _: tours.go(state, name, tour.steps, 1), items=[item], css_classes=["invitation"])
    state.param.watch(lambda _: setattr(button, "visible", False), "tour")
    return button


class ExplorePage(Page):
    """Two columns, built one after the other: between them the browser is let in, so the map is there first."""

    help = HELP
    picks = True

    def __init__(self, view: View, history: History) -> None:
        self.view, self.history = view, history
        self.layout = column("columns", skeleton("the map"))
        self._place: PlacePart | None = None
        self._curves: SeriesPart | None = None
        self._memory: MemoryPart | None = None

    def steps(self) -> list[Callable[[], None]]:
        """Left, then right."""
        return [self._left, self._right]

    def _left(self) -> None:
        """Map, months, filters; and the place card."""
        try:
            self._place = PlacePart(self.view)
            self._map = world = MapPart(self.view, self._place.warn, invitation(self.view.state))
            filters = FilterPart(self.view, self.history)
            left = column("left", world.layout, filters.layout)
            self.layout[:] = [left, column("right", self._place.layout)]
        except Exception:
            self._place = None
            self.layout[:] = []
            raise

    def _right(self) -> None:
        """Curves and memory."""
        if self._place is not None:
            self._curves, self._memory = SeriesPart(self.view), MemoryPart(self.view)
            self._ahead = Ahead(self.view, self._map)
            self.layout[1].extend([self._curves.layout, self._memory.layout])

    # -- to take away -------------------------------------------------------------------------------------------

    def exported(self) -> str:
        """What the files hold."""
        label = f" {self.view.label}" if self.view.generated else ""
        grid = self.view.layer.finer
        finer = (
            f" The NetCDF of the map has its {grid.step:g}° grid, the CSV the cells of 1°." if grid is not None else ""
        )
        return f"What is on the screen: the map of the cells left, and the curves of the selection.{label}{finer}"

    def files(self) -> Files:
        """Map and curves."""
        view, csv, netcdf = self.view, "text/csv", "application/x-netcdf"
        mark = f"{view.model}-generated-" if view.generated else ""
        return {
            "Map as CSV": (f"{mark}map.csv", csv, lambda: export.map_csv(view)),
            "Map as NetCDF": (f"{mark}map.nc", netcdf, lambda: export.map_netcdf(view)),
            "Curves as CSV": (f"{mark}curves.csv", csv, lambda: export.series_csv(view)),
            "Curves as NetCDF": (f"{mark}curves.nc", netcdf, lambda: export.series_netcdf(view)),
        }

    def pictures(self) -> Pictures:
        """The map; the curves and the heatmap of the selection."""
        view, curves = self.view, self._curves
        parts = {
            "Curves as PNG": ("curves.png", curves, curves.title if curves is not None else ""),
            "Memory as PNG": ("memory.png", self._memory, "What it remembers"),
        }
        world = {"Map as PNG": ("map.png", lambda width: map_picture.map_png(view, width))}
        return world | pictures.drawn(parts, pictures.credit(view), view.generated)

    def snippet(self) -> str:
        """The map's numbers in Python."""
        return export.snippet(self.view)

    def provenance(self) -> str:
        """Of the source on the screen."""
        return export.provenance_html(self.view)
