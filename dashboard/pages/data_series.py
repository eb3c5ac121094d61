"""The sites of the chosen data set on a map, and one quantity of one site through time."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel_material_ui as pmui
import xarray as xr

from dashboard import map_picture
from dashboard.jobs import Lane, sentence
from dashboard.pages.data_view import DataView
from dashboard.pages.page import Pictures
from dashboard.pages.parts import SELECT, Plot, choice, column, drawn, html, job_bar, row, table_switch
from dashboard.plots import map_paper
from dashboard.plots.map_paper import Key, Legend, Plane
from dashboard.plots.paper import Panel
from dashboard.plots.projection import load_projection
from dashboard.plots.sheet import Sheet
from dashboard.plots.sitemap import SiteMap
from dashboard.plots.timeseries import timeseries
from dashboard.sites import called, nearest_site, site_facts, site_name, within
from dashboard.state import STEPS, apply
from dashboard.summary import quantity_sentence, units_in_words
from dashboard.tables import quantity_table
from dashboard.theme import LIGHT
from dashboard.widgets import Place, RangeField
from hdlcore.errors import RequestError

FIGURE = "site-map"
#: Sites up to this many can be chosen by name from a list.
MOST_NAMES = 500


class SitePart:
    """Map of the sites, their names in a list, and the place card of the chosen one."""

    def __init__(self, data: DataView) -> None:
        self.data = data
        lat = data.world["lat"].values.astype(np.float32)
        projection = load_projection("equal_earth", lat.size, lat.tobytes())
        self.map = SiteMap(FIGURE, projection, data.view.dark)
        self.map.on_tap(lambda at: apply(data.state, {"site": int(at)}))
        self.names = pmui.Select(label="Site", options={}, css_classes=["site"], **SELECT)
        self.names.param.watch(self._named, "value")
        self.card = Place(css_classes=["placecard"], sizing_mode="stretch_width")
        self.card.on_message("go", self._go)
        self.message = ""
        self._updating = False
        pane = Plot(self.map.figure, css_classes=["sitecanvas"])
        self.layout = column("sitepart", self.card, self.names, row("sitestage", pane))
        data.follow(self.update)

    def _named(self, event: Any) -> None:
        if not self._updating and event.new is not None:
            apply(self.data.state, {"site": int(event.new)})

    def _go(self, message: dict[str, Any]) -> None:
        lat, lon = message.get("lat"), message.get("lon")
        try:
            if not all(isinstance(value, (int, float)) and np.isfinite(value) for value in (lat, lon)):
                typed = ", ".join(map(str, message.get("text", [])))
                raise RequestError(f"'{typed}' is not a place; give latitude and longitude in degrees.")
            at = nearest_site(self.data.data, float(lat), float(lon))  # type: ignore[arg-type]
        except RequestError as error:
            self.card.message = f"{error} The choice stays."
            return
        apply(self.data.state, {"site": at})
        self._card()

    def update(self, names: frozenset[str]) -> None:
        """Follow the data set and the site."""
        held = self.data.data
        if "dark" in names:
            self.map.set_mode(self.data.view.dark)
        if names & {"dataset", "sets"}:
            self._updating = True
            count = int(held.places.sizes["cell"])
            listed = 0 < count <= MOST_NAMES
            options = {called(site_name(held, at, self.data.world)): at for at in range(count)} if listed else {}
            self.names.param.update(options=options, value=None, visible=len(options) == count > 1)
            self._updating = False
            self._place()
        if names & {"dataset", "sets", "site"}:
            self._updating = True
            if self.names.visible:
                self.names.value = self.data.site
            self._updating = False
            self.map.choose(self.data.site if held.places.sizes["cell"] else None)
            self._card()

    def _place(self) -> None:
        """Put the sites on the map."""
        places, world = self.data.data.places, self.data.world
        lat, lon = places["lat"].values.astype(float), places["lon"].values.astype(float)
        on_world = None
        if "name" not in places.coords and lat.size:
            row_, column_ = np.clip((90 - lat).astype(int), 0, 179), ((lon + 180) % 360).astype(int)
            ids = row_ * 360 + column_
            known = world["cell"].values
            at = np.searchsorted(known, ids).clip(max=known.size - 1)
            on_world = np.where(known[at] == ids, at, -1)
        self.map.show(lat, lon, on_world)

    def _card(self) -> None:
        data, held = self.data, self.data.data
        if not held.places.sizes["cell"]:
            self.card.param.update(title="No site", facts=[], lat=0, lon=0, message="", sentence="")
            self.map.describe("Map without sites.")
            return
        lat, lon = (float(held.places[name].values[data.site]) for name in ("lat", "lon"))
        facts = [list(pair) for pair in site_facts(held, data.site)]
        self.card.param.update(
            title=data.site_label, facts=facts, message="",
            lat=round(lat, 3) if np.isfinite(lat) else 0.0, lon=round(lon, 3) if np.isfinite(lon) else 0.0,
        )  # fmt: skip
        count = held.places.sizes["cell"]
        lost = int((~np.isfinite(held.places["lat"].values)).sum())
        without = f" {lost} of them do not say where they lie." if lost else ""
        self.map.describe(f"Map of the {count:,} places of {held.about.title}.{without} Chosen: {data.site_label}.")

    def pictures(self, foot: str) -> Pictures:
        """Where the sites lie, as much of the Earth as the screen shows; none where nobody knows."""
        drawn, about = self.map, self.data.data.about
        if drawn.area is None and not drawn.dots[0].size:
            return {}
        keys = [Key("place", LIGHT["accent"], "●") if drawn.area is None else Key("its cells", LIGHT["accent"])]
        if drawn.pick[0].size:
            keys.append(Key(self.data.site_label, LIGHT["text"], "○"))
        label, legend, file = "Map of the places as PNG", Legend(about.title, keys=keys), f"{about.id}-places.png"

        def planes() -> list[Plane]:
            return [map_paper.of_sites(drawn)]

        return map_picture.picture(file, planes, legend, drawn.text, foot, about.generated, label)


class CurvePart:
    """Quantity, step and years; the curve with what is missing left open; its table and summary."""

    def __init__(self, data: DataView, card: Place) -> None:
        self.data, self.card = data, card
        self.lane = Lane()
        self.full: xr.DataArray | None = None
        self.text = ""
        self._key: tuple[Any, ...] | None = None
        self._updating = False
        self._make_controls()
        self.layout = column(
            "curvepart",
            row("curvebar", self.quantity, self.step, self.years, self._switch),
            job_bar(self.lane),
            self._plot,
            self.note,
            self.table,
        )
        data.follow(self.update)

    def _make_controls(self) -> None:
        state = self.data.state
        self.quantity = pmui.Select(label="Quantity", options={}, css_classes=["quantity"], **SELECT)
        self.quantity.param.watch(lambda event: self._set(quantity=event.new or ""), "value")
        self.step = choice("Time step", STEPS, "daily", lambda step: apply(state, {"step": step}))
        self.years = RangeField(label="Years", css_classes=["number"])
        self.years.on_message("range", self._ranged)
        self.note = html("plotnote")
        self.table = html("tableview", visible=False)
        self._switch = table_switch(self.table, self._show_table, "The series as a table")
        self._sheet = Sheet()
        self._plot = drawn(self._sheet)

    @property
    def panels(self) -> list[Panel]:
        """What is drawn, for paper."""
        return Panel.of(self._sheet)

    def _set(self, **values: Any) -> None:
        if not self._updating:
            apply(self.data.state, values)

    def _ranged(self, message: dict[str, Any]) -> None:
        first, last = message["range"]
        if first is None and last is None:
            self._set(years=None)
            return
        least, most = self._extent()
        ends = (int(least if first is None else first), int(most if last is None else last))
        self._set(years=(max(min(ends), 0), min(max(ends), 9999)))

    def _extent(self) -> tuple[int, int]:
        """First and last year of the site's record."""
        if self.full is None or "time" not in self.full.dims or not self.full.size:
            return 0, 9999
        years = within(self.full, None)["time"].values.astype("datetime64[Y]").astype(int) + 1970
        return int(years.min()), int(years.max())

    # -- following ----------------------------------------------------------------------------------------------

    def update(self, names: frozenset[str]) -> None:
        """Follow the choice; a run of the twin is made off the loop."""
        data = self.data
        self._update_controls()
        quantity = data.quantity
        if quantity is None:
            self.lane.cancel()
            self._key, self.full = None, None
            self._empty("There is no series to look at." if not data.data.about.note else data.data.about.note)
            return
        key = (data.data.about.id, id(data.data), data.site, quantity.name, data.step)
        if key == self._key:
            if names & {"years", "dark"}:
                self._show()
            return
        self._key = key
        held, site, name, step = data.data, data.site, quantity.name, data.step
        if held.slow and step != "season":
            self.lane.start(
                f"Running {held.about.title}",
                lambda progress, cancel: held.series(site, name, step, progress, cancel),
                lambda series: self._take(key, series),
            )
            return
        self.lane.cancel()
        try:
            self._take(key, held.series(site, name, step))
            self.lane.error = ""
        except Exception as error:
            self._empty("")
            self.lane.error = sentence(error, "Reading the series")

    def _update_controls(self) -> None:
        data = self.data
        self._updating = True
        try:
            options = {item.long_name: item.name for item in data.data.quantities.values()}
            if options != self.quantity.options:
                self.quantity.options = options
            self.quantity.value = data.quantity.name if data.quantity is not None else None
            steps = data.quantity.steps if data.quantity is not None else ()
            self.step.items = [{"id": step, "label": STEPS[step]} for step in steps]
            self.step.chosen = data.step
            self.step.visible = bool(steps)
            first, last = data.state.years or (None, None)
            self.years.param.update(low=first, high=last, visible=data.step != "season" and bool(steps))
        finally:
            self._updating = False

    def _take(self, key: tuple[Any, ...], series: xr.DataArray) -> None:
        if key == self._key:
            self.full = series
            first, last = self._extent()
            self.years.hints = [str(first), str(last)] if "time" in series.dims else []
            self._show()

    def _empty(self, why: str) -> None:
        self.data.series = None
        self._sheet.hide()
        self.note.object = f'<p role="status">{why}</p>' if why else ""
        self.table.object = ""
        self.card.sentence = why

    def _show(self) -> None:
        """Draw the years asked for."""
        data, quantity = self.data, self.data.quantity
        if self.full is None or quantity is None:
            return
        shown = within(self.full, data.state.years)
        if not shown.size:
            first, last = self._extent()
            self._empty(f"There is nothing in these years; the series runs from {first} to {last}.")
            return
        data.series = shown
        self.text = quantity_sentence(shown, quantity.long_name, quantity.units, data.site_label)
        self.card.sentence = self.text
        units = units_in_words(quantity.units) or "share"
        self._sheet.show(timeseries(shown, units, data.view.dark, self.text))
        self.note.object = f"<p>{self._notes(shown)}</p>"
        if self.table.visible:
            self._show_table()

    def _notes(self, shown: xr.DataArray) -> str:
        about = self.data.data.about
        product = str(shown.attrs.get("product", ""))
        origin = str(shown.attrs.get("source", "")) or about.origin
        parts = [f"{'Generated' if about.generated else origin.capitalize()}{f', {product}' if product else ''}."]
        if not np.isfinite(shown.values).all():
            parts.append("Shaded: missing.")
        if about.generated:
            parts.append("Nothing here was observed.")
        return " ".join(parts)

    def _show_table(self) -> None:
        quantity, shown = self.data.quantity, self.data.series
        if quantity is not None and shown is not None:
            self.table.object = quantity_table(shown, quantity.long_name, quantity.units, self.data.site_label)
