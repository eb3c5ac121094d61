"""For a model trained on the twin: what carries stored water, in truth and in the model."""

from __future__ import annotations

from html import escape

import numpy as np
import xarray as xr

from dashboard import layers, map_picture, memory, truth
from dashboard.pages.maps import MapPair
from dashboard.pages.page import Pictures
from dashboard.pages.parts import column, heading, html, row, show, table_switch
from dashboard.pages.trust_view import MOVING, Trust
from dashboard.plots import ternary
from dashboard.plots.map_paper import Legend
from dashboard.plots.palette import palette
from dashboard.tables import html_table
from dashboard.widgets import Triangle

SIDES = {"truth": "Truth", "model": "Model"}


class TruthPart:
    """Maps of the shares of the stores, truth on the left, model on the right."""

    def __init__(self, held: Trust) -> None:
        self.trust, self.view, self.state, self.text = held, held.view, held.state, ""
        self.pair = MapPair(self.view, "trust", SIDES)
        for side, caption in self.pair.captions.items():
            caption.object = f"<p><b>{SIDES[side]}</b></p>"
        self.triangle = Triangle(
            names=["Snow", "Soil", "Ground"], colors=list(ternary.colors()), steps=ternary.STEPS,
            label="Legend: a triangle of colours with snow on top, soil on the left and groundwater on the right",
            css_classes=["legend", "triangle"],
        )  # fmt: skip
        self.lead = html("plotnote")
        self.table = html("tableview", visible=False)
        switch = table_switch(self.table, self.show_table, "Shares of the stores as a table")
        self.layout = column(
            "part truthpart",
            row("parthead", heading("Truth beside model"), switch),
            row("stage", self.pair.layout, self.triangle),
            self.lead,
            self.table,
        )
        held.follow(self.update)

    def _fields(self, side: str) -> xr.Dataset | None:
        return self.trust.truth if side == "truth" else self.view.fields

    @property
    def there(self) -> bool:
        """Whether the truth of the model is known."""
        return self.trust.truth is not None and self.view.fields is not None

    def pictures(self, foot: str) -> Pictures:
        """Both maps beside each other."""
        maps = {SIDES[side]: drawn for side, drawn in self.pair.maps.items()} if self.there else {}
        legend = Legend("What carries the swing of stored water", keys=map_picture.STORES)
        return map_picture.worlds("truth.png", maps, legend, foot, True, "Truth beside model as PNG", self.text)

    def update(self, names: frozenset[str]) -> None:
        """Follow model and selection."""
        show(self.layout, self.there)
        if not self.there:
            return
        if self.pair.make():
            names = names | {"model"}
            for drawn in self.pair.maps.values():
                drawn.set_colors(palette("ternary"), 0, ternary.COUNT - 1)
        if "dark" in names:
            self.pair.set_mode()
        if "model" in names:
            for side, drawn in self.pair.maps.items():
                values = layers.field(layers.MIXED, self.view.observed, self._fields(side))
                blank = np.full(self.trust.mask.size, np.nan, np.float32)
                drawn.set_values(values if values is not None else blank)
        if names & MOVING:
            self.pair.mark(self.trust.mask, self.trust.at)
            self._tell_shares()

    def _tell_shares(self) -> None:
        area, of = self.view.world["area"].values, self.view.selection.of
        shares = {side: truth.shares(self._fields(side), of, area) for side in SIDES}
        self.triangle.at = list(ternary.place(shares["model"])) if np.isfinite(shares["model"]).all() else None
        self.text = text = truth.shares_sentence(shares["truth"], shares["model"], self.view.place)
        self.lead.object = f'<p class="lead" role="status">{escape(text)}</p>'
        for side, drawn in self.pair.maps.items():
            drawn.describe(f"Map of what carries stored water, {SIDES[side].lower()}. {text}")
        if self.table.visible:
            self.show_table()

    def show_table(self) -> None:
        """Shares by climate zone."""
        area, of = self.view.world["area"].values, self.view.selection.of
        zones = memory.zones_of(self.view.world)
        rows = truth.shares_rows(self._fields("truth"), self._fields("model"), of, area, zones)
        head = ["Climate", *(f"{name.capitalize()}, {side}" for name in truth.NAMES for side in ("truth", "model"))]
        self.table.object = html_table("Shares of the swing of stored water, area-weighted", head, rows)
