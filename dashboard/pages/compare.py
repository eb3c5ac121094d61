"""Compare: two models, cells, months, or a run and its change, side by side on one colour range and one zoom."""

from __future__ import annotations

from collections.abc import Callable

from dashboard import compare_export, export, map_picture, pictures
from dashboard.pages.compare_controls import CompareControls
from dashboard.pages.compare_curves import CurvesPart
from dashboard.pages.compare_maps import MapsPart
from dashboard.pages.compare_view import Comparison
from dashboard.pages.page import Files, Page, Pictures
from dashboard.pages.parts import column, row, skeleton
from dashboard.pages.selecting import FilterPart, PlacePart
from dashboard.pages.view import View
from dashboard.state import History

HELP = """
<p>Two of anything: L is what you look at on the other pages, R differs from it in one thing.</p>
<dl class="help">
<dt>Choose what differs</dt>
<dd>Two models, two members of one, two cells, two months, or the run as it was and under a change of the weather.</dd>
<dt>Look at both maps</dt>
<dd>They have one colour range and one zoom. Side by side; or swiped, with the slider under them (arrow keys work); or
their difference, R minus L.</dd>
<dt>Choose the place</dt>
<dd>Click a map or write latitude and longitude. When cells are compared, the left map chooses L, the right one R.</dd>
<dt>Filters</dt>
<dd>Whatever was filtered on Explore holds here too; the sentence under the maps is about the cells left.</dd>
</dl>"""


class ComparePage(Page):
    """Controls, both maps, months; below, the curves."""

    help = HELP
    picks = True

    def __init__(self, view: View, history: History) -> None:
        self.view, self.history = view, history
        self.layout = column("comparepage", skeleton("both maps"))
        self._comparison: Comparison | None = None
        self._drawn: CurvesPart | None = None
        self._both: MapsPart | None = None

    @property
    def comparison(self) -> Comparison:
        """Both sides; made when first needed."""
        if self._comparison is None:
            self._comparison = Comparison(self.view)
        return self._comparison

    def steps(self) -> list[Callable[[], None]]:
        """What is seen first, then what stands under it."""
        return [self._choices, self._maps, self._places, self._curves]

    def _choices(self) -> None:
        """What differs."""
        self._controls = CompareControls(self.comparison)
        self.layout[:] = [self._controls.layout]

    def _maps(self) -> None:
        """Both maps, and their months."""
        maps = self._both = MapsPart(self.comparison)
        self.layout.extend([maps.layout, row("monthspair", *self._controls.months)])

    def _places(self) -> None:
        """Where L and R are."""
        place, where = PlacePart(self.view), FilterPart(self.view, self.history)
        self.layout.append(row("places", column("wherepart", place.layout, where.chips), self._controls.place))

    def _curves(self) -> None:
        """Both curves."""
        self._drawn = CurvesPart(self.comparison)
        self.layout.append(self._drawn.layout)

    # -- to take away -------------------------------------------------------------------------------------------

    def exported(self) -> str:
        """What the files hold."""
        return f"Both maps, their difference and both curves. {self.view.label}"

    def files(self) -> Files:
        """Maps and curves of both sides."""
        held, netcdf, csv = self.comparison, "application/x-netcdf", "text/csv"
        return {
            "Both maps as CSV": ("compare.csv", csv, lambda: compare_export.maps_csv(held)),
            "Both maps as NetCDF": ("compare.nc", netcdf, lambda: compare_export.maps_netcdf(held)),
            "Both curves as CSV": ("compare-curves.csv", csv, lambda: compare_export.curves_csv(held)),
            "Both curves as NetCDF": ("compare-curves.nc", netcdf, lambda: compare_export.curves_netcdf(held)),
        }

    def pictures(self) -> Pictures:
        """Both curves and what the maps show."""
        foot, generated, part = pictures.credit(self.view), self.view.generated, self._both
        parts = {"Both curves as PNG": ("compare-curves.png", self._drawn, "Stored water through the year")}
        world = {} if part is None else map_picture.worlds("compare.png", part.shown(), part.legend, foot, generated)
        return pictures.drawn(parts, foot, generated) | world

    def snippet(self) -> str:
        """Both maps in Python."""
        return compare_export.snippet(self.comparison)

    def provenance(self) -> str:
        """Of L; R is said where it is another source."""
        return export.provenance_html(self.view) + compare_export.provenance_html(self.comparison)
