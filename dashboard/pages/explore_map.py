"""The map with its controls: what is shown, projection, tools, legend, months."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import numpy as np
import panel_material_ui as pmui

from dashboard import classes, engine, finer, layers
from dashboard.jobs import Lane
from dashboard.look import Look
from dashboard.pages.maps import map_pane
from dashboard.pages.parts import SELECT, column, html, row, table_switch
from dashboard.pages.view import View, Words
from dashboard.plots import ternary
from dashboard.plots.palette import palette
from dashboard.plots.projection import OUTSIDE
from dashboard.plots.screen import Picture
from dashboard.plots.worldmap import WorldMap
from dashboard.selection import flag_names
from dashboard.sites import Gauge, gauges
from dashboard.state import FILTERS, PROJECTIONS, apply
from dashboard.summary import units_in_words
from dashboard.tables import map_table
from dashboard.widgets import ColorKey, MapTools, Player, Readout, Triangle
from hdlcore.data.cube import find_cell
from hdlcore.errors import RequestError

FIGURE = "world-map"
NOWHERE = -1  # the entry of the list of gauges that leads nowhere
_MODELLED = frozenset({"store", "flux", "fraction", "parameter", "memory"})


class MapPart:
    """Controls and map; `layout` is what the page shows, with what it may want `beside` the caption."""

    def __init__(self, view: View, warn: Any, beside: Any = None) -> None:
        self.view, self.state, self.warn, self.beside = view, view.state, warn, beside
        self.map = WorldMap(FIGURE, self.view.projection(), view.world["cell"].values, view.dark)
        self.map.on_tap(self._tapped)
        self.map.on_draw(self._drawn)
        self.map.on_window(self._look_closer)
        self._closer = Lane()
        self._closer.param.watch(self._closer_failed, "error")
        self._make_controls()
        self._make_layout()
        self._updating, self._gauges = False, list[Gauge]()
        view.says.append(self._says)
        view.follow(self.update, quick=True)

    # -- layout -------------------------------------------------------------------------------------------------

    def _make_controls(self) -> None:
        self.variable = pmui.Select(label="Quantity", groups={"": []}, css_classes=["quantity"], **SELECT)
        self.departure = pmui.Checkbox(
            label="Departure from yearly mean", size="small", margin=0, width=None, css_classes=["departure"]
        )
        self.projection = pmui.Select(
            label="Projection",
            options={text: name for name, text in PROJECTIONS.items()},
            css_classes=["projection"],
            **SELECT,
        )
        self.tools = MapTools(figure=FIGURE, css_classes=["tools"])
        self.readout = Readout(css_classes=["readout"])
        self.legend = ColorKey(css_classes=["legend"])
        self.triangle = Triangle(
            names=["Snow", "Soil", "Ground"], colors=list(ternary.colors()), steps=ternary.STEPS, visible=False,
            label="Legend: a triangle of colours with snow on top, soil on the left and groundwater on the right",
            css_classes=["legend", "triangle"],
        )  # fmt: skip
        self.player = Player(labels=layers.MONTHS, css_classes=["months"], sizing_mode="stretch_width")
        self.caption = html("caption")
        self.keys = html("keys")
        self.sites = pmui.Select(label="Gauges and towers", options={}, css_classes=["sites"], **SELECT)
        self.table = html("tableview", visible=False)
        self.variable.param.watch(lambda event: self._set(variable=event.new), "value")
        self.departure.param.watch(lambda event: self._set(departure=event.new), "value")
        self.sites.param.watch(self._site_named, "value")
        self.projection.param.watch(lambda event: self._set(projection=event.new), "value")
        self.player.on_step(lambda at: self._set(time=f"{at + 1:02d}"))
        self.tools.param.watch(self._update_keys, "mode")
        self.legend.on_message("brush", self._brushed)
        self.legend.on_message("range", self._ranged)
        self.legend.on_message("lock", self._lock)

    def _make_layout(self) -> None:
        self.pane = map_pane(self.map)
        bar = row("mapbar", self.variable, self.departure, self.projection, self.tools)
        foot = row("foot", self.keys, self.sites, table_switch(self.table, self.show_table, "The map as a table"))
        self.layout = column(
            "mappart",
            bar,
            row("captionrow", self.caption, *([self.beside] if self.beside else []), self.readout),
            row("stage", self.pane, self.legend, self.triangle),
            self.player,
            foot,
            self.table,
        )

    # -- from the person ----------------------------------------------------------------------------------------

    def _set(self, **values: Any) -> None:
        if not self._updating:
            apply(self.state, values)

    def _tapped(self, position: int, lon: float, lat: float) -> None:
        if position == OUTSIDE or self.tools.mode == "polygon":  # a corner, no choice
            return
        if position < 0:
            try:
                find_cell(self.view.world, round(lat, 1), round(lon, 1))
            except RequestError as error:
                self.warn(f"{error} The choice stays.")
            return
        self.warn("")
        self._set(cell=int(self.view.world["cell"].values[position]), focus="cell")

    def _drawn(self, corners: tuple[tuple[float, float], ...]) -> None:
        self.tools.mode = "move"
        self.tools.param.trigger("mode")  # the choice of the other tool may still be on its way here
        self._set(polygon=corners, focus="filter")

    def _brushed(self, message: dict[str, Any]) -> None:
        if message["range"] is None:
            self._set(values=None)
            return
        low, high = (float(value) for value in message["range"])
        shown = self.view.layer.values[np.isfinite(self.view.layer.values)]
        step = 10.0 ** (np.floor(np.log10(max(self.legend.high - self.legend.low, 1e-9))) - 2)
        low, high = float(np.round(np.floor(low / step) * step, 9)), float(np.round(np.ceil(high / step) * step, 9))
        if (
            low <= self.legend.low + step
        ):  # the end bins hold what lies beyond the range: a brush to the end means all of it
            low = min(low, float(np.floor(shown.min(initial=low))))
        if high >= self.legend.high - step:
            high = max(high, float(np.ceil(shown.max(initial=high))))
        self._set(values=(low, high), focus="filter")

    def _ranged(self, message: dict[str, Any]) -> None:
        low, high = (float(value) for value in message["range"])
        if self.view.layer.diverging:  # the end that was written sets both, so that zero stays in the middle
            written = high if abs(high - self.legend.high) > abs(low - self.legend.low) else low
            low, high = -abs(written), abs(written)
        if low < high:
            self._set(color_range=(low, high))

    def _lock(self, _: dict[str, Any]) -> None:
        if self.state.color_range == "auto":
            self._set(color_range=tuple(round(value, 6) for value in self.view.color_range()))
        else:
            self._set(color_range="auto")

    def _site_named(self, event: Any) -> None:
        if not self._updating and event.new is not None and event.new != NOWHERE:
            self._open_site(int(event.new))
            self.sites.value = NOWHERE

    def _open_site(self, number: int) -> None:
        """Go to the record of a gauge or tower."""
        at = self._gauges[number]
        view = {"page": "data", "dataset": at.dataset, "site": at.number, "quantity": "", "step": "", "years": None}
        self._set(**view)

    def _update_sites(self) -> None:
        """Gauges and towers, which are real: none beside a made-up world."""
        held = {} if self.view.generated else {s.info.id: s.cube.cells for s in engine.get_engine().data()}
        self._gauges = gauges(held)
        options = {"Go to …": NOWHERE} | {at.label: number for number, at in enumerate(self._gauges)}
        self.sites.param.update(options=options, value=NOWHERE, visible=bool(self._gauges))
        lon, lat = (np.array([getattr(at, name) for at in self._gauges]) for name in ("lon", "lat"))
        self.map.set_sites(lon, lat, self._open_site)

    # -- to the screen ------------------------------------------------------------------------------------------

    def update(self, names: frozenset[str]) -> None:
        """Bring map, legend and controls to the state; only what changed is sent."""
        view, state = self.view, self.state
        self._updating = True
        try:
            self._update_controls(names)
        finally:
            self._updating = False
        if "projection" in names and self.map.projection.name != state.projection:
            self.map.set_projection(self.view.projection())
        if "dark" in names:
            self.map.set_mode(view.dark)
        moved = names & {"model", "variable", "time", "departure"}
        if moved:
            self.map.set_values(view.layer.values, self.field, state.month)
        if moved or "projection" in names:
            self._draw_finer()
        if moved or names & {*FILTERS, "focus", "color_range"}:
            self._update_look()
        elif "cell" in names:
            self._describe()
        self._update_triangle()
        if names & {"cell", "projection", "focus", *FILTERS}:
            self.map.set_pick(view.selection.position if view.selection.single else None)
        if self.table.visible:
            self.show_table()

    def _draw_finer(self) -> None:
        """Where the quantity has a finer grid than the cells, what the window shows of it."""
        self._closer.cancel()  # what was asked for the field or the month before
        grid = self.view.layer.finer
        self.map.set_picture(finer.picture(grid, self.map.projection, self.map.window) if grid is not None else None)
        self._draw_ahead()

    def _look_closer(self) -> None:
        """Another part of the map is on the screen: the last picture stays till that of the new one is ready."""
        grid = self.view.layer.finer

        def done(drawn: Picture) -> None:
            self.map.set_picture(drawn)
            self._draw_ahead()

        if grid is not None:
            self._draw_aside(grid, done)

    def _closer_failed(self, event: Any) -> None:
        if event.new:
            self.view.notice = event.new

    def _draw_ahead(self) -> None:
        """Have the month ready that is played or stepped to next."""
        grid = self.view.layer.finer
        if grid is not None and grid.next_month() != grid:
            self._draw_aside(grid.next_month(), lambda _: None)

    def _draw_aside(self, grid: finer.Finer, done: Callable[[Picture], None]) -> None:
        """Draw the window off the event loop; what was under way is dropped."""
        projection, window = self.map.projection, self.map.window
        self._closer.start("Drawing the finer grid", lambda *_: finer.ready(grid, projection, window), done)

    def _update_controls(self, names: frozenset[str]) -> None:
        view, state = self.view, self.state
        if "model" in names:
            self.variable.groups = view.choices
            self._update_sites()
        self.variable.value = view.shown_variable
        self.departure.value = view.layer.departure
        self.departure.disabled = not view.can_depart
        self.projection.value = state.projection
        self.player.value = state.month - 1  # in one message with the map's values

    def _update_look(self) -> None:
        view, look = self.view, self.view.look()
        shown = look.layer
        colors = palette(shown.cmap)
        self.map.set_colors(colors, *look.color_range)
        self.map.set_flags(view.selection.mask, view.selection.outline, self.poor())
        self._describe()
        units = units_in_words(shown.variable.units)
        self.readout.units = units
        self.readout.names = list(flag_names(view.world, shown.variable.name).values()) if shown.classed else []
        mode = {"auto": "auto"}.get(str(self.state.color_range), "set" if self.state.color_range else "fixed")
        self.legend.param.update(
            units=units or ("" if shown.variable.kind == "score" else "share"),
            explanation=shown.variable.explanation,
            palette=[*colors[::8], colors[-1]],
            brush=list(self.state.values) if self.state.values else None,
            mode=mode,
            **self._key(look),
        )
        self._update_keys()
        self.caption.object = self._caption(look)

    def _key(self, look: Look) -> dict[str, Any]:
        """What the legend says of a month."""
        low, high = look.color_range
        counts = layers.bins(look.layer, look.selection.mask, low, high)
        label, ticks = layers.title(look.layer, look.month), layers.ticks(low, high)
        return {"label": label, "low": low, "high": high, "ticks": ticks, "counts": counts}

    def _caption(self, look: Look) -> str:
        shown = look.layer
        mark = '<span class="mark generated">generated</span>' if look.generated else ""
        if shown.finer is not None:
            mark = f'<span class="mark">{shown.finer.attributes()["source"]}, {shown.finer.step:g}°</span>'
        return f"<p><b>{escape(layers.title(shown, look.month))}</b>{mark}</p>"

    def _says(self, look: Look) -> Words:
        """What all of this says in a month; the rest stays as it is."""
        return [
            *self.map.in_month(look.month, self._heard(look), *look.color_range),
            (self.legend, self._key(look)),
            (self.caption, {"object": self._caption(look)}),
        ]

    def _update_keys(self, *_: Any) -> None:
        """What the marks mean; while corners are being set, how that ends."""
        view, poor = self.view, self.poor()
        shown, mask = view.layer, view.selection.mask
        keys = ['<i class="nodata"></i>ice or no data']
        if shown.classed:
            keys = [*classes.keys(view.world, shown, mask), *keys]
        positive = shown.variable.positive
        if shown.diverging and positive and shown.variable.kind != "score":
            keys.insert(0, f"Positive: {escape(positive)}")
        if poor is not None and poor.any():
            keys.append('<i class="hatch"></i>poor or not verified on held-out blocks')
        if not mask.all():
            keys.append('<i class="pale"></i>filtered out')
        if self._gauges:
            keys.append('<i class="gauge"></i>gauge or tower')
        if shown.finer is not None:
            keys.append(f"Drawn on a {shown.finer.step:g}° grid; a click chooses a cell of 1°")
        if self.tools.mode == "polygon":
            keys = ["<b>Click the corners of the region; double-click or Enter closes it, Escape gives it up.</b>"]
        self.keys.object = f'<div class="keylist">{"".join(f"<span>{key}</span>" for key in keys)}</div>'

    def _update_triangle(self) -> None:
        """Which legend stands, and where the selection is in the triangle."""
        mixed, fields = self.view.layer.mixed, self.view.fields
        self.legend.visible, self.triangle.visible = self.view.layer.ordered, mixed
        if mixed and fields is not None:
            area, of = self.view.world["area"].values.astype(float), self.view.selection.of
            shares = np.stack([fields[name].values[of] for name in ternary.CORNERS]).astype(float)
            good = np.isfinite(shares).all(0)
            mean = np.average(shares[:, good], axis=1, weights=area[of][good]) if good.any() else None
            self.triangle.at = list(ternary.place(mean)) if mean is not None else None

    def _describe(self) -> None:
        """What the map shows, for those who hear it."""
        self.map.describe(self._heard(self.view.look()))

    @staticmethod
    def _heard(look: Look) -> str:
        return f"Map: {look.title}. {look.sentence}"

    @property
    def field(self) -> str:
        """Which months of the map belong together."""
        shown = self.view.layer
        return f"{self.view.model}/{shown.variable.name}/{shown.departure}"

    def poor(self) -> np.ndarray | None:
        """Cells where the model, on held-out blocks, beats no mean or was not checked; None for observations.

        Where few cells have a score, only the poor are marked: a hatch over everything says nothing.
        """
        fields = self.view.fields
        if fields is None or "tws_nse" not in fields or self.view.layer.variable.kind not in _MODELLED:
            return None
        skill = fields["tws_nse"].values
        poor = skill < 0
        return poor | ~np.isfinite(skill) if np.isfinite(skill).mean() > 0.5 else poor

    def show_table(self) -> None:
        """The numbers of the map as a table: by climate zone, and the highest and lowest cells."""
        view = self.view
        self.table.object = map_table(view.world, view.layer, view.selection.mask, view.title)
