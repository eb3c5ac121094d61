"""Why: one cell, one day: what made it so, told on the weather before it; how far to believe it; a pulse to test it."""

from __future__ import annotations

from collections.abc import Callable

from dashboard import export, pictures, why_export
from dashboard.pages.page import Files, Page, Pictures
from dashboard.pages.parts import column, skeleton
from dashboard.pages.pick_map import PickMap
from dashboard.pages.selecting import FilterPart, PlacePart
from dashboard.pages.view import View
from dashboard.pages.why_methods import MethodsPart
from dashboard.pages.why_pulse import PulsePart
from dashboard.pages.why_story import StoryPart
from dashboard.pages.why_view import Why
from dashboard.state import History

HELP = """
<p>One cell, one day: which past weather made its water what it was? Methods answer differently; each says what its
numbers mean, and each has been graded.</p>
<dl class="help">
<dt>Read the story</dt>
<dd>Each driver through the days before. A bar goes from the usual weather of the date to what was; blue added to the
target, brown took away. Below, the same added up, oldest first: it should reach the cross.</dd>
<dt>Choose</dt>
<dd>The quantity, the day (write it, or step), the method, one or two years back.</dd>
<dt>Believe it?</dt>
<dd>The contributions should add up; what is lacking is said. The largest is checked at once: the model runs again with
that weather at its usual. <i>Try the answer out</i> puts all of it back, the most important first: if the method is
right, the answer moves faster than in random order. The table holds each method's grades.</dd>
<dt>A pulse</dt>
<dd>10 mm of rain, 5 K, or more radiation on the day: how every store and flux answers, and whether that can be. Count
over the land tells how often a warmer day is answered wrongly.</dd>
</dl>"""


class WhyPage(Page):
    """Two columns, built part by part."""

    help = HELP
    picks = True

    def __init__(self, view: View, history: History) -> None:
        self.view, self.history = view, history
        self.layout = column("columns whypage", skeleton("the story"))
        self._why: Why | None = None
        self._story: StoryPart | None = None
        self._pulse: PulsePart | None = None

    @property
    def why(self) -> Why:
        """The page's model; made when first needed."""
        if self._why is None:
            self._why = Why(self.view)
        return self._why

    def steps(self) -> list[Callable[[], None]]:
        """What is seen first, then what stands under it."""
        return [self._told, self._where, self._pulsed, self._judged]

    def _told(self) -> None:
        """The story."""
        self._story = StoryPart(self.why)
        self.layout[:] = [column("left", self._story.layout), column("right")]

    def _where(self) -> None:
        """Place."""
        place, where = PlacePart(self.view), FilterPart(self.view, self.history)
        picked = PickMap(self.view, "why-map")
        self.layout[1].append(column("wherepart", place.layout, where.chips, picked.layout))

    def _pulsed(self) -> None:
        """The answer to a pulse."""
        self._pulse = PulsePart(self.why)
        self.layout[1].append(self._pulse.layout)

    def _judged(self) -> None:
        """What the methods are worth."""
        self.layout[0].append(MethodsPart(self.why).layout)

    # -- to take away -------------------------------------------------------------------------------------------

    def exported(self) -> str:
        """What the files hold."""
        return f"The story of the day, day by day, and the answer to the pulse. {self.view.label}"

    def files(self) -> Files:
        """Story and pulse."""
        held, csv, netcdf = self.why, "text/csv", "application/x-netcdf"
        mark = f"{self.view.model}-generated-" if self.view.generated else ""
        found: Files = {}
        if held.story is not None:
            found["Story as CSV"] = (f"{mark}why.csv", csv, lambda: why_export.story_csv(held))
            found["Story as NetCDF"] = (f"{mark}why.nc", netcdf, lambda: why_export.story_netcdf(held))
        if held.trial is not None:
            found["Trial as CSV"] = (f"{mark}trial.csv", csv, lambda: why_export.trial_csv(held))
            found["Trial as NetCDF"] = (f"{mark}trial.nc", netcdf, lambda: why_export.trial_netcdf(held))
        if held.response is not None:
            found["Pulse as CSV"] = (f"{mark}pulse.csv", csv, lambda: why_export.pulse_csv(held))
            found["Pulse as NetCDF"] = (f"{mark}pulse.nc", netcdf, lambda: why_export.pulse_netcdf(held))
        return found

    def pictures(self) -> Pictures:
        """Story and pulse."""
        parts = {
            "Story as PNG": ("why.png", self._story, "What made this day's water"),
            "Pulse as PNG": ("pulse.png", self._pulse, "The answer to a pulse"),
        }
        return pictures.drawn(parts, pictures.credit(self.view), self.view.generated)

    def figures(self) -> list[str]:
        """The story as a table of windows."""
        return why_export.figures(self.why)

    def snippet(self) -> str:
        """The story in Python."""
        return why_export.snippet(self.why)

    def provenance(self) -> str:
        """Of the source that is asked."""
        return export.provenance_html(self.view)
