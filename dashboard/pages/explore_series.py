"""Components of the selection: the season from shipped fields at once, raw and anomaly from a live run.

A data set without stores is shown by the curve of the quantity on the map instead, and the page says so. Of many cells
there is the mean of the stores, or every cell's curve of the quantity on the map as a density.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from dashboard import series, spread
from dashboard.jobs import Lane
from dashboard.layers import field
from dashboard.pages.parts import choice, column, drawn, heading, html, job_bar, row, show, table_switch
from dashboard.pages.view import View
from dashboard.plots.components import components, marked, month_spans, precipitation
from dashboard.plots.manylines import colors, many_lines, passing
from dashboard.plots.paper import Panel
from dashboard.plots.sheet import Drawing, Sheet
from dashboard.plots.timeseries import timeseries
from dashboard.state import FILTERS, MANY, SERIES, apply
from dashboard.summary import quantity_sentence, series_sentence, units_in_words
from dashboard.tables import quantity_table, series_table, spread_table
from hdlcore.errors import RequestError
from hdlcore.runtime.requests import Frequency
from hdlcore.variables import variable

#: Cells that are run live for the raw and anomaly views: some tens of seconds, with progress and cancel.
LIVE_CELLS = 600
WITHOUT_STORES = (
    "holds no snow, soil moisture or groundwater, so the quantity on the map is drawn; "
    "add stored water to the data set, or choose a model or the twin above, to see the components."
)


class SeriesPart:
    """Precipitation above, components below, one time axis, the map's month marked."""

    def __init__(self, view: View) -> None:
        self.view, self.state = view, view.state
        self.lane = Lane()
        self.data: xr.Dataset = xr.Dataset()
        self.departures = True
        self.text = ""
        self._name = ""
        self._cells: xr.DataArray | None = None  # the curves of all cells, where those are drawn
        self._counts = np.zeros((1, 1), np.uint32)  # and how many are in each pixel
        self._rain, self._curves = Sheet(), Sheet()
        self._drawing: Drawing | None = None
        self.kind = choice(
            "View of the curves", SERIES, self.state.series, lambda kind: apply(self.state, {"series": kind})
        )
        self.many = choice("Of many cells", MANY, self.state.many, lambda many: apply(self.state, {"many": many}))
        self.summary = html("summary")
        self.note = html("plotnote")
        self.table = html("tableview", visible=False)
        self.head = heading("Stored water")
        switch = table_switch(self.table, self._show_table, "Stored water as a table")
        self.layout = column(
            "part seriespart",
            row("parthead", self.head, self.many, self.kind, switch),
            job_bar(self.lane, renews=True),
            column("plots", drawn(self._rain), drawn(self._curves)),
            self.note,
            self.summary,
            self.table,
        )
        view.says.append(lambda look: self._curves.with_table("months", self._spans(look.month)))
        view.follow(self.update, quick=True)

    # -- plots --------------------------------------------------------------------------------------------------

    @property
    def _seen_by(self) -> str:
        return "Satellite" if self.view.generated else "GRACE"

    @property
    def _lone(self) -> str:
        """The quantity whose curve is drawn where there are no stores; empty where there are."""
        held = self.view.fields
        bare = self.view.kind == "data" and (held is None or ("tws" not in held and "tws_observed" not in held))
        return self.view.layer.variable.name if bare else ""

    def _draw(self) -> None:
        """Bring both figures to the data; only what differs is sent."""
        data, dark, month = self.data, self.view.dark, self.state.month
        if self._cells is not None:
            self._rain.hide()
            units = units_in_words(variable(str(self._cells.name)).units) or "share"
            self._show_curves(many_lines(self._cells, self._counts, data, units, dark, self.text, month))
            return
        wet = not self._name and "precipitation" in data and bool(np.isfinite(data["precipitation"].values).any())
        if wet:
            label = f"Precipitation: {float(data['precipitation'].mean()):.1f} mm a day on average"
            self._rain.show(precipitation(data, dark, label))
        else:
            self._rain.hide()
        if self._name and not np.isfinite(data[self._name].values).any():
            self._drawing = None  # what there is to say of it stands beside the place
            self._curves.hide()
        elif self._name:
            units = units_in_words(str(data[self._name].attrs.get("units", ""))) or "share"
            self._show_curves(timeseries(data[self._name], units, dark, self.text, height=262, month=month))
        else:
            seen = self._seen_by
            self._show_curves(components(data, dark, self.text, 208, self.departures, seen, month=month))

    def _show_curves(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self._curves.show(drawing)

    @property
    def title(self) -> str:
        """What the curves are of."""
        if self._cells is not None:
            return variable(str(self._cells.name)).long_name
        return self.view.layer.variable.long_name if self._name else "Stored water"

    @property
    def panels(self) -> list[Panel]:
        """What is drawn, for paper."""
        return Panel.of(self._rain, self._curves)

    # -- what is shown ------------------------------------------------------------------------------------------

    def _show(self, data: xr.Dataset, departures: bool = True) -> None:
        self.data, self.departures, self._name, self._cells = data, departures, self._lone, None
        view, place = "season" if "month" in data.dims else self.state.series, self.view.place
        self.head.object = f"<h2>{self.title}</h2>"
        if self._name:
            entry = self.view.layer.variable
            self.text = quantity_sentence(data[self._name], entry.long_name, entry.units, place)
        else:
            self.text = series_sentence(data, view, place, self._seen_by)
        self.view.draw(data)
        self._draw()
        self.note.object = f"<p>{self._notes()}</p>"
        self.summary.object = f'<p class="visually-hidden" role="status" aria-live="polite">{self.text}</p>'
        if self.table.visible:
            self._show_table()

    def _show_all(self, cells: xr.DataArray, found: xr.Dataset, doing: str) -> None:
        """Every cell's curve of one quantity and the quantiles over them; `doing` says what the values are."""
        self.data, self._name, self._cells, self._counts = found, "", cells, passing(cells)
        name, place = str(cells.name), self.view.place
        self.head.object = f"<h2>{self.title}</h2>"
        self.text = spread.sentence(found, name, cells.sizes["cell"], place)
        self.view.draw(found)
        self._draw()
        tones = colors(self.view.dark)
        ramp = f'<i style="background:linear-gradient(to right,{",".join(tones[::16])})"></i>'
        self.note.object = (
            f'<div class="keylist"><span class="ramp">1 {ramp} {int(self._counts.max()):,} cells</span></div>'
            f"<p>{doing} of each cell. "
            f"Lines: median, middle half (dashed) and middle four fifths (dotted), weighted by area. "
            f"{self.view.origin if name == self.view.layer.variable.name else self.view.label}</p>"
        )
        self.summary.object = f'<p class="visually-hidden" role="status" aria-live="polite">{self.text}</p>'
        if self.table.visible:
            self._show_table()

    def _all_season(self, departure: bool) -> None:
        """All cells' mean seasons, which are at hand."""
        view = self.view
        name = spread.quantity_of(view.layer, view.observed, view.fields)
        departure = departure and variable(name).anomaly is not None
        cells = spread.season(name, view.observed, view.fields, view.selection.of, departure)
        as_shown = "departure from the yearly mean" if departure else ""
        found = spread.quantiles(cells, view.world["area"].values[view.selection.of], as_shown)
        self._show_all(cells, found, f"Mean season{', departure from the yearly mean,' if departure else ''}")

    def _notes(self) -> str:
        view = self.view
        notes = [] if view.selection.single else ["Area-weighted mean over the cells."]
        if self._name:
            notes.append(f"{view.source.title if view.source else 'This'} {WITHOUT_STORES}")
        elif not self.departures and "tws_observed" in self.data:
            notes.append(f"{self._seen_by} storage is moved to the mean of the total.")
        if series.OTHER in self.data:
            notes.append(f"Other: {series.other_parts(view.kind == 'twin')}.")
        bare = view.fields is None and "month" in self.data.dims
        notes.append(view.fields_problem if bare else view.label)
        return " ".join(notes)

    def _show_table(self) -> None:
        if self._cells is not None:
            self.table.object = spread_table(self.data, str(self._cells.name), self.view.place)
        elif self._name:
            entry = self.view.layer.variable
            self.table.object = quantity_table(self.data[self._name], entry.long_name, entry.units, self.view.place)
        else:
            self.table.object = series_table(self.data, f"Stored water, {self.view.place}", self._seen_by)

    def _season(self, departures: bool = True) -> xr.Dataset:
        view, name = self.view, self._lone
        if not name:
            return view.season() if departures else series.season(view.observed, view.fields, view.selection, False)
        values = field(name, view.observed, view.fields)
        entry = view.layer.variable
        if values is None or values.ndim == 1:
            values = np.broadcast_to(view.layer.values, (12, view.layer.values.size))
        mean = series.one(values, view.selection, view.world["area"].values)
        return xr.Dataset({name: ("month", mean, entry.attributes())}, {"month": np.arange(1, 13)})

    # -- following ----------------------------------------------------------------------------------------------

    def update(self, names: frozenset[str]) -> None:
        """Follow the selection, the source and the chosen view; a month step only moves the mark."""
        self.kind.chosen, self.many.chosen = self.state.series, self.state.many
        show(self.many, not self.view.selection.single)
        every = self.state.many == "all" and not self.view.selection.single
        if "time" in names and self._drawing is not None:
            self._show_curves(marked(self._drawing, self._spans(self.state.month)))
        moving = {"model", "cell", "focus", "series", "many", "dark", *FILTERS}
        if self.state.values:  # a value filter lets other cells through each month
            moving |= {"time", "variable", "departure"}
        if self._lone or every:
            moving |= {"variable", "departure"}
        if not names & moving:
            return
        self.lane.cancel()
        self.lane.error = ""
        runs = self.view.fields is not None or self.view.kind == "twin"
        if every:
            self._update_all(runs)
        elif self.state.series == "season" or not runs:
            self._show(self._season())
        elif self.view.selection.single:
            self._run("daily")
        else:  # the season of many cells is at hand; their run takes a while
            raw = self.state.series == "raw"
            self._show(self._season(departures=not raw), departures=not raw)
            if self._few():
                self._run("monthly")

    def _spans(self, month: int) -> dict[str, Any]:
        """Where the curves are in a month of the year."""
        return month_spans(self.data if self._cells is None else self._cells, month)

    def _few(self) -> bool:
        """Whether the cells are few enough to run; if not, the page says so."""
        count = self.view.selection.of.size
        if count > LIVE_CELLS:
            self.lane.error = (
                f"{count:,} cells are too many to run while you wait (up to {LIVE_CELLS:,}); "
                "the season is shown. Narrow the selection to run it."
            )
        return count <= LIVE_CELLS

    def _update_all(self, runs: bool) -> None:
        """The season of every cell at once; then, where raw or anomaly are asked for, their run."""
        view, kind = self.view, self.state.series
        try:
            self._all_season(self.state.departure if kind == "season" else kind == "anomaly")
        except RequestError as error:
            self._show(self._season())
            self.lane.error = str(error)
            return
        if kind == "season" or not runs or not self._few():
            return
        name, of = spread.quantity_of(view.layer, view.observed, view.fields), view.selection.of
        ids = tuple(int(cell) for cell in view.world["cell"].values[of])
        area = view.world["area"].values[of]
        shown_as = "departure from the mean seasonal cycle" if kind == "anomaly" else ""

        def work(progress: Any, cancel: Any) -> tuple[xr.DataArray, xr.Dataset]:
            cells = spread.series(view.run(ids, "monthly", progress, cancel), name, kind)
            return cells, spread.quantiles(cells, area, shown_as)

        words = "Monthly departure from the season" if kind == "anomaly" else "Monthly mean"
        self.lane.start(self._doing, work, lambda held: self._show_all(held[0], held[1], words))

    @property
    def _doing(self) -> str:
        return {"twin": "Running the twin", "data": "Reading the data"}.get(self.view.kind, "Running the model")

    def _run(self, frequency: Frequency) -> None:
        view, selection, kind, lone = self.view, self.view.selection, self.state.series, self._lone
        of, world = selection.of, self.view.observed
        cells = tuple(int(cell) for cell in view.world["cell"].values[of])
        if not self.data.dims:
            self._show(self._season())

        def work(progress: Any, cancel: Any) -> xr.Dataset:
            simulated = view.run(cells, frequency, progress, cancel)
            if lone:
                return series.run_one(world, simulated, of, lone, kind)
            return series.run(world, simulated, of, kind)

        self.lane.start(self._doing, work, lambda data: self._show(data, departures=kind == "anomaly" and not lone))
