"""For a model trained on the twin: what carries stored water, and what it remembers, in truth and in the model."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel as pn
import xarray as xr

from dashboard import engine, layers, series, truth
from dashboard.jobs import Lane
from dashboard.pages.parts import column, heading, html, job_bar, row, show
from dashboard.pages.trust_view import MOVING, Trust
from dashboard.plots import ternary
from dashboard.plots.heatmap import heatmap
from dashboard.plots.palette import palette
from dashboard.plots.projection import load_projection
from dashboard.plots.worldmap import WorldMap
from dashboard.state import METHODS, apply
from dashboard.widgets import Buttons, Triangle
from hdlcore.attribution.views import lag_by_forcing
from hdlcore.runtime.requests import ExplanationRequest

SIDES = {"truth": "Truth", "model": "Model"}
ASK = {"id": "ask", "label": "Ask the model", "kind": "outlined"}


class TruthPart:
    """Maps of the shares of the stores and heatmaps of memory, the truth on the left, the model on the right."""

    def __init__(self, held: Trust) -> None:
        self.trust, self.view, self.state = held, held.view, held.state
        self._maps: dict[str, WorldMap] = {}
        self.lane = Lane()
        self._asked: tuple[Any, xr.Dataset] | None = None
        self._captions = {side: html("caption", f"<p><b>{title}</b></p>") for side, title in SIDES.items()}
        self._places = {side: column("mapside", caption) for side, caption in self._captions.items()}
        self._heats = {side: column("curveside") for side in SIDES}
        self.triangle = Triangle(
            names=["Snow", "Soil", "Ground"], colors=list(ternary.colors()), steps=ternary.STEPS,
            label="Legend: a triangle of colours with snow on top, soil on the left and groundwater on the right",
            css_classes=["legend", "triangle"],
        )  # fmt: skip
        self.button = Buttons(lambda _: self._ask(), items=[])
        self.lead, self.note = html("plotnote"), html("plotnote")
        self.layout = column(
            "part truthpart",
            heading("Truth beside model"),
            row("stage", column("pair side", *self._places.values()), self.triangle),
            self.lead,
            row(
                "parthead",
                html("caption", "<p><b>What stored water remembers, by age of the weather</b></p>"),
                self.button,
            ),
            job_bar(self.lane),
            row("curvepair", *self._heats.values()),
            self.note,
        )
        held.follow(self.update)

    def _make_maps(self) -> None:
        """Both maps, made when a model of the twin is first looked at."""
        lat, ids = self.view.world["lat"].values.astype(np.float32), self.view.world["cell"].values
        shape = load_projection("equal_earth", lat.size, lat.tobytes())
        first: WorldMap | None = None
        for side in SIDES:
            drawn = WorldMap(f"trust-{side}", shape, ids, self.view.dark, beside=first)
            first = first or drawn
            drawn.on_tap(self._tapped)
            drawn.set_colors(palette("ternary"), 0, ternary.COUNT - 1)
            self._maps[side] = drawn
            pane = pn.pane.Bokeh(drawn.figure, sizing_mode="stretch_width", margin=0, css_classes=["canvas"])
            self._places[side].append(pane)

    def _tapped(self, position: int, lon: float, lat: float) -> None:
        if position >= 0:
            apply(self.state, {"cell": int(self.view.world["cell"].values[position]), "focus": "cell"})

    def _fields(self, side: str) -> xr.Dataset | None:
        return self.trust.truth if side == "truth" else self.view.fields

    def update(self, names: frozenset[str]) -> None:
        """Follow model and selection."""
        there = self.trust.truth is not None and self.view.fields is not None
        show(self.layout, there)
        if not there:
            self.lane.cancel()
            return
        if not self._maps:
            self._make_maps()
            names = names | {"model"}
        for side, drawn in self._maps.items():
            if "dark" in names:
                drawn.set_mode(self.view.dark)
            if "model" in names:
                values = layers.field(layers.MIXED, self.view.observed, self._fields(side))
                blank = np.full(self.trust.mask.size, np.nan, np.float32)
                drawn.set_values(values if values is not None else blank)
            if names & MOVING:
                drawn.set_flags(self.trust.mask, self.view.selection.outline, None)
                drawn.set_pick(self.trust.at)
        if names & MOVING:
            self._tell_shares()
        if names & {"model", "cell", "focus"}:
            self.lane.cancel()
            self.lane.error = ""
        if names & MOVING | names & {"dark"}:
            self._draw_memory()

    def _tell_shares(self) -> None:
        area, of = self.view.world["area"].values, self.view.selection.of
        shares = {side: truth.shares(self._fields(side), of, area) for side in SIDES}
        self.triangle.at = list(ternary.place(shares["model"])) if np.isfinite(shares["model"]).all() else None
        text = truth.shares_sentence(shares["truth"], shares["model"], self.view.place)
        self.lead.object = f'<p class="lead" role="status">{escape(text)}</p>'
        for side, drawn in self._maps.items():
            drawn.describe(f"Map of what carries stored water, {SIDES[side].lower()}. {text}")

    # -- memory -------------------------------------------------------------------------------------------------

    def _key(self) -> tuple[Any, ...]:
        return self.view.model, self.state.cell, self.state.method

    def _memory(self, side: str) -> xr.DataArray | None:
        """Size of the contributions (lag_bin, forcing) of the selection; None where nothing is known."""
        live = self._asked if side == "model" and self.view.selection.single else None
        if live is not None and live[0] == self._key():
            return lag_by_forcing(live[1])
        fields = self._fields(side)
        if fields is None:
            return None
        return series.memory(self.view.world, fields, self.view.selection, signed=False)

    def _draw_memory(self) -> None:
        found = {side: self._memory(side) for side in SIDES}
        for side, heat in found.items():
            name = html("sidename", f"<p><b>{SIDES[side]}</b></p>")
            if heat is None:
                why = (
                    "Ask the model to see what it remembers here." if self.trust.at is not None else "Choose one cell."
                )
                self._heats[side][:] = [name, html("plotnote", f'<p role="status">{why}</p>')]
                continue
            text = f"{SIDES[side]}, {self.view.place}: size of the contributions to stored water by age and driver"
            plot = heatmap(heat, False, self.view.dark, text)
            pane = pn.pane.HoloViews(plot, height=168, sizing_mode="stretch_width", margin=0)
            self._heats[side][:] = [name, pane]
        single = self.trust.at is not None
        self.button.items = [ASK] if single and found["model"] is None else []
        together = truth.likeness(found["truth"], found["model"])
        how = "The truth is the twin's response to changed weather of every 15th day, made beforehand."
        method = METHODS[self.state.method].lower()
        said = (
            f"The model, asked by {method}, agrees with the truth at a correlation of {together:.2f}."
            if np.isfinite(together)
            else "The model has not been asked here."
        )
        self.note.object = f'<p role="status">{escape(said)} {how} {escape(self.view.label)}</p>'

    def _ask(self) -> None:
        key = self._key()
        request = ExplanationRequest(self.view.model, self.state.cell, method=self.state.method)

        def work(progress: Any, cancel: Any) -> xr.Dataset:
            return engine.get_engine().explain(request, progress, cancel, self.view.asker)

        def done(result: xr.Dataset) -> None:
            self._asked = (key, result)
            self._draw_memory()

        self.lane.start("Asking the model which past days made this", work, done)
