"""For a model trained on the twin: what carries stored water, in truth and in the model."""

from __future__ import annotations

from html import escape

import numpy as np
import panel as pn
import xarray as xr

from dashboard import layers, truth
from dashboard.pages.parts import column, heading, html, row, show
from dashboard.pages.trust_view import MOVING, Trust
from dashboard.plots import ternary
from dashboard.plots.palette import palette
from dashboard.plots.worldmap import WorldMap
from dashboard.state import apply
from dashboard.widgets import Triangle

SIDES = {"truth": "Truth", "model": "Model"}


class TruthPart:
    """Maps of the shares of the stores, truth on the left, model on the right."""

    def __init__(self, held: Trust) -> None:
        self.trust, self.view, self.state = held, held.view, held.state
        self._maps: dict[str, WorldMap] = {}
        self._captions = {side: html("caption", f"<p><b>{title}</b></p>") for side, title in SIDES.items()}
        self._places = {side: column("mapside", caption) for side, caption in self._captions.items()}
        self.triangle = Triangle(
            names=["Snow", "Soil", "Ground"], colors=list(ternary.colors()), steps=ternary.STEPS,
            label="Legend: a triangle of colours with snow on top, soil on the left and groundwater on the right",
            css_classes=["legend", "triangle"],
        )  # fmt: skip
        self.lead = html("plotnote")
        self.layout = column(
            "part truthpart",
            heading("Truth beside model"),
            row("stage", column("pair side", *self._places.values()), self.triangle),
            self.lead,
        )
        held.follow(self.update)

    def _make_maps(self) -> None:
        """Both maps, made when a model of the twin is first looked at."""
        shape, ids = self.view.projection("equal_earth"), self.view.world["cell"].values
        first: WorldMap | None = None
        for side in SIDES:
            drawn = WorldMap(f"trust-{side}", shape, ids, self.view.dark, beside=first)
            first = first or drawn
            drawn.on_tap(self._tapped)
            drawn.set_colors(palette("ternary"), 0, ternary.COUNT - 1)
            self._maps[side] = drawn
            pane = pn.pane.Bokeh(drawn.figure, sizing_mode="stretch_width", margin=0, css_classes=["canvas"])
            self._places[side][:] = [self._captions[side], pane]

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

    def _tell_shares(self) -> None:
        area, of = self.view.world["area"].values, self.view.selection.of
        shares = {side: truth.shares(self._fields(side), of, area) for side in SIDES}
        self.triangle.at = list(ternary.place(shares["model"])) if np.isfinite(shares["model"]).all() else None
        text = truth.shares_sentence(shares["truth"], shares["model"], self.view.place)
        self.lead.object = f'<p class="lead" role="status">{escape(text)}</p>'
        for side, drawn in self._maps.items():
            drawn.describe(f"Map of what carries stored water, {SIDES[side].lower()}. {text}")
