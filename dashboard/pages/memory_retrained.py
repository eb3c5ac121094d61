"""Memory that retraining finds, on the twin Earth: a section of the page Memory, worked out when it is asked for."""

from __future__ import annotations

from typing import Any

import panel as pn

from dashboard import map_picture, pictures, retrained
from dashboard.jobs import sentence
from dashboard.pages.page import Pictures
from dashboard.pages.parts import Plot, choice, column, drawn, heading, html, row, show
from dashboard.pages.view import View
from dashboard.plots import map_paper
from dashboard.plots.map_paper import Bar, Key, Legend
from dashboard.plots.paper import Panel
from dashboard.plots.retrained import Sampled, memory_climate, memory_colors, memory_curves, memory_map, memory_months
from dashboard.plots.sheet import Drawing, Sheet
from dashboard.theme import tokens
from dashboard.widgets import Buttons

WARNING = """
<p>Another question than above: there a trained model is asked what it uses; here networks of their own are trained
again and again with parts of the past withheld, and <b>Mem</b> is the R2 that the past adds on cells and years held
out. <b>The two must never be mixed</b>: Mem belongs to the task, the heatmaps above to one model. All of it is of the
twin Earth's vegetation (monthly NDVI).</p>"""


class RetrainedPart:
    """A button; then curves by zone, map with significance, months, climate space, drivers and the emulators."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.part, self.text = next(iter(retrained.PARTS)), ""
        self.panels: list[Panel] = []  # its curves and boxes, beside each other on paper
        self.sampled: Sampled | None = None  # its map; the seasons of the mean year have none
        self.where = ""
        self.open = Buttons(lambda _: self._toggle(), items=self._items(False))
        self.body = column("retrainedbody")
        show(self.body, False)
        mark = html("caption", '<p><span class="mark generated">generated</span></p>')
        self.layout = column(
            "part retrained",
            row("retrainedbar", heading("Memory that retraining finds"), mark, self.open),
            html("plotnote", WARNING),
            self.body,
        )
        view.follow(self.update)

    @staticmethod
    def _items(shown: bool) -> list[dict[str, Any]]:
        return [{"id": "open", "label": "Hide" if shown else "Show what it finds", "pressed": shown}]

    def _toggle(self) -> None:
        shown = not self.body.visible
        show(self.body, shown)  # before anything comes into it: a figure that is built unseen is never laid out
        if shown and not len(self.body):
            self._draw()
        self.open.items = self._items(shown)

    def _choose(self, part: str) -> None:
        self.part = part
        self._draw()

    def update(self, names: frozenset[str]) -> None:
        """Follow the tones and the projection, once there is something to draw."""
        if names & {"dark", "projection"} and len(self.body):
            self._draw()

    def _draw(self) -> None:
        """Everything anew: it changes with a click, not with the state."""
        try:
            self.body[:] = self._pieces()
        except Exception as error:
            self.body[:] = [html("plotnote", f'<p role="alert">{sentence(error, "Memory that retraining finds")}</p>')]

    def _pieces(self) -> list[Any]:
        found, dark, said = retrained.findings(self.part), self.view.dark, retrained.sentence(self.part)
        self.panels, self.text, self.sampled = [], f"{retrained.PARTS[self.part]}: {said}", None
        title = retrained.PARTS[self.part].lower()
        figures = [
            self._plot(
                "By months of the past and climate zone",
                memory_curves(found.steps, found.curves, dark, f"Mem of the {title} by months of the past. {said}"),
                "Median over the cells of a zone; the shade holds the middle half of all cells.",
            ),
        ]
        if found.test is not None:
            map_ = Plot(self._map(found), sizing_mode="scale_width")
            figures.append(_titled("Where", map_, self._key(found)))
            halves = memory_months(found.months, dark, f"Mem of the {title} through the year, by hemisphere.")
            note = "Fall of the squared error in that month over the variance of all months."
            figures.append(self._plot("Through the year", halves, note))
        figures.append(
            self._plot(
                "In the space of rain and temperature",
                memory_climate(found.climate, found.limit, dark, f"Median Mem of the {title} by rain and temperature."),
                "Median over the cells of a box; boxes of fewer than three cells stay empty. " + self._ramp(found),
            )
        )
        return [
            choice("Of the series", retrained.PARTS, self.part, self._choose),
            html("summary", f"<p>{said}</p>"),
            row("curvepair", *figures),
            *(html("tableview", table) for table in retrained.curve_tables(self.part)),
            html("tableview", retrained.r2_table()),
            html("tableview", retrained.driver_table()),
            html("tableview", retrained.truth_table()),
            html("tableview", retrained.emulation_table()),
            html("plotnote", f"<p>{retrained.emulation_note()}</p>"),
        ]

    def _plot(self, title: str, drawing: Drawing, note: str) -> pn.Column:
        """A drawing with its title, also for paper."""
        self.panels.append(Panel([drawing], title))
        sheet = Sheet()
        sheet.show(drawing)
        return _titled(title, drawn(sheet), note)

    def _map(self, found: retrained.Findings) -> Any:
        assert found.test is not None
        held, shape = retrained.result(), self.view.projection()
        x, y = shape.forward(held["lon"].values.astype(float), held["lat"].values.astype(float))
        self.sampled = Sampled(shape, x, y, found.memory, found.test.significant, found.limit)
        share = 100 * float(found.test.significant.mean())
        self.where = f"Mem at {found.memory.size} sampled cells; significant in {share:.0f} % of them."
        return memory_map(self.sampled, self.view.dark, f"Map of {self.where}")

    def pictures(self, foot: str) -> Pictures:
        """Curves and boxes, and the map; none before they are shown."""
        title, file = "Memory that retraining finds", "memory-study"
        found = pictures.drawn({f"{title}, as PNG": (f"{file}.png", self, title)}, foot, True)
        sampled = self.sampled
        if sampled is None:
            return found
        keys = [Key("not significant", tokens(False)["quiet"], "○")]
        legend = Legend(f"{title}: where", Bar(memory_colors(False), 0, sampled.limit, "Mem (R²)"), keys)
        label, lead = f"{title}, map as PNG", f"{retrained.PARTS[self.part]}: {self.where}"
        return found | map_picture.picture(
            f"{file}-map.png", lambda: [map_paper.of_sampled(sampled)], legend, lead, foot, True, label
        )

    def _key(self, found: retrained.Findings) -> str:
        return (
            f"Filled: significant, {self._ramp(found)} Ring: not significant, by exchanging labels season by "
            "season 999 times against the largest statistic of any cell (alpha 0.1)."
        )

    def _ramp(self, found: retrained.Findings) -> str:
        colors = ", ".join(memory_colors(self.view.dark)[::15])
        style = f"display: inline-block; width: 72px; height: 8px; background: linear-gradient(to right, {colors})"
        return f'0 <i style="{style}"></i> {found.limit:.2g} or more.'


def _titled(title: str, pane: Any, note: str) -> pn.Column:
    return column("curveside", html("sidename", f"<b>{title}</b>"), pane, html("plotnote", f"<p>{note}</p>"))
