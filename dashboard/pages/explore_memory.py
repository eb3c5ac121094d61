"""What past weather still does to stored water: the shipped heatmap at once, then one cell live.

For the twin it is the truth: how stored water answers when the weather of one past day is changed.
"""

from __future__ import annotations

from typing import Any

import holoviews as hv
import panel as pn
import panel_material_ui as pmui
import xarray as xr
from bokeh.models import LinearColorMapper
from holoviews.streams import Pipe

from dashboard import engine, series
from dashboard.jobs import Lane
from dashboard.pages.parts import SELECT, choice, column, heading, html, job_bar, row, table_switch
from dashboard.pages.view import View
from dashboard.plots.heatmap import box_meaning, color_key, color_limit, heatmap
from dashboard.state import FILTERS, METHODS, apply
from dashboard.summary import memory_sentence, quantity
from dashboard.tables import memory_table
from dashboard.widgets import Buttons
from hdlcore.attribution.views import lag_by_forcing, memory_summary
from hdlcore.runtime.requests import ExplanationRequest

EXPLAIN = {"id": "explain", "label": "Explain this cell live", "kind": "outlined"}
TRUE_METHOD = "finite_difference"


class MemoryPart:
    """Lag x driver heatmap; the live explanation is asked for by a button and can be cancelled."""

    def __init__(self, view: View) -> None:
        self.view, self.state = view, view.state
        self.lane = Lane()
        self.heat: xr.DataArray | None = None
        self.text = ""
        self._live: tuple[Any, xr.Dataset] | None = None
        self._updating = False
        self._pipe = Pipe(data=None)
        self._make_controls()
        self._plot = pn.Column(margin=0, sizing_mode="stretch_width")
        self._drawn: tuple[Any, ...] | None = None
        self.layout = column(
            "part memorypart",
            row("parthead", heading("What it remembers"), self.signed, self._switch),
            job_bar(self.lane),
            self._plot,
            self.key,
            row("partfoot", self.method, self.run),
            self.note,
            self.table,
        )
        view.follow(self.update)

    def _make_controls(self) -> None:
        kinds = {"size": "Size", "sign": "Sign"}
        self.signed = choice("Heatmap shows", kinds, "size", lambda kind: apply(self.state, {"signed": kind == "sign"}))
        self.method = pmui.Select(
            label="Method", options={text: name for name, text in METHODS.items()}, css_classes=["method"], **SELECT
        )
        self.run = Buttons(lambda _: self._explain(), items=[EXPLAIN])
        self.key = html("heatkey")
        self.note = html("plotnote")
        self.table = html("tableview", visible=False)
        self._switch = table_switch(self.table, self._show_table, "Memory as a table")
        self.method.param.watch(lambda event: self._set(method=event.new), "value")

    def _set(self, **values: Any) -> None:
        if not self._updating:
            apply(self.state, values)

    def _draw(self, data: Any) -> hv.Overlay:
        plot = heatmap(self.heat, self.state.signed, self.view.dark, self.text)
        hooks = plot.opts.get("plot").kwargs.get("hooks", [])
        return plot.opts(hooks=[*hooks, self._keep])

    def _keep(self, plot: Any, element: Any) -> None:
        """Keep a figure that lives on in step: its description, and the colours' range."""
        plot.state.html_attributes = {"role": "img", "aria-label": self.text}
        if self.heat is not None:
            most = color_limit(self.heat)
            for mapper in plot.state.select({"type": LinearColorMapper}):
                mapper.update(low=-most if self.state.signed else 0, high=most)

    def _key(self) -> tuple[Any, ...]:
        return self.view.model, self.state.cell, self._method

    @property
    def _method(self) -> str:
        """The chosen method, or the only one the source can be asked by; empty for data."""
        methods = self.view.source.methods if self.view.source is not None else ()
        return self.state.method if self.state.method in methods else next(iter(methods), "")

    def update(self, names: frozenset[str]) -> None:
        """Follow the selection; a live explanation is kept while its cell and method stay."""
        self._updating = True
        self.signed.chosen = "sign" if self.state.signed else "size"
        self.method.value = self.state.method
        self._updating = False
        moving = {"model", "cell", "focus", "method", "signed", "dark", *FILTERS}
        if self.state.values:
            moving |= {"time", "variable", "departure"}
        if not names & moving:
            return
        if names & {"model", "cell", "focus", "method"}:
            self.lane.cancel()
            self.lane.error = ""
        self._show()
        if self.heat is None and self.view.kind == "twin" and self.view.selection.single:
            self._explain()  # the truth of a cell is not shipped, and is soon there

    def _show(self) -> None:
        view, single = self.view, self.view.selection.single
        live = self._live[1] if single and self._live and self._live[0] == self._key() else None
        if live is not None:
            self.heat = lag_by_forcing(live, absolute=not self.state.signed)
        else:
            self.heat = (
                series.memory(view.world, view.fields, view.selection, self.state.signed)
                if view.fields is not None
                else None
            )
        asked = bool(self._method) and single and view.fields is not None
        self.method.visible = asked and view.kind == "model"
        # without a map of it the twin's truth is computed unasked
        self.run.visible = asked and (view.kind == "model" or (live is None and self.heat is not None))
        self.run.items = [{**EXPLAIN, "disabled": live is not None}]
        self.signed.visible = self._switch.visible = self.key.visible = self.heat is not None
        if self.heat is None:
            self._plot[:] = []
            self._drawn = None
            self.note.object = f'<p role="status">{self._missing()}</p>'
            return
        self.text = memory_sentence(self.heat, view.place)
        kind = (self.heat.shape, self.state.signed, self.view.dark)
        if kind == self._drawn:
            self._pipe.send(object())
        else:
            self._drawn, self._pipe = kind, Pipe(data=None)
            plot = hv.DynamicMap(self._draw, streams=[self._pipe])
            self._plot[:] = [pn.pane.HoloViews(plot, height=168, sizing_mode="stretch_width", margin=0)]
        self.key.object = color_key(self.heat, self.state.signed, view.dark)
        self._describe(live)
        if self.table.visible:
            self._show_table()

    def _missing(self) -> str:
        """Why there is no heatmap, and how to get one."""
        view = self.view
        if view.kind == "data":
            return "Data cannot be asked why; choose a model or the twin above to see what stored water remembers."
        if view.kind == "twin":
            return (
                "The true response of this cell is on its way."
                if view.selection.single
                else "The true response is found cell by cell; choose one cell to see it."
            )
        return view.fields_problem or "This model ships no memory map; choose a cell and explain it live."

    def _describe(self, live: xr.Dataset | None) -> None:
        head = self.text.removeprefix(f"{self.view.place}: ")
        head = head[0].upper() + head[1:]
        how = f"{box_meaning(self.state.signed)} "
        twin = self.view.kind == "twin"
        weighted = "" if self.view.selection.single else ", area-weighted"
        if twin:
            spent = _cost(live) if live is not None else f"precomputed for a day of each fortnight of 2005{weighted}"
            how += f"This is the twin's true response, by finite difference, {spent}. "
            how += f"{_memory_of(live)} {self.view.label}" if live is not None else self.view.label
        elif live is None:
            how += f"Gradient × input, precomputed for the 15th of each month of 2005{weighted}."
        else:
            gap = float(abs(live["completeness_gap"]).mean())
            spread = float(abs(live["difference"]).mean()) if "difference" in live else float("nan")
            how += f"{METHODS[self.state.method]}, {_cost(live)}. {_memory_of(live)} "
            how += f"Not accounted for: {quantity(gap, 'mm')} of {quantity(spread, 'mm')} on average."
        self.note.object = f'<p role="status" aria-live="polite">{head} <span>{how}</span></p>'

    def _show_table(self) -> None:
        if self.heat is not None:
            self.table.object = memory_table(self.heat, f"Memory of stored water, {self.view.place}")

    def _explain(self) -> None:
        key = self._key()
        request = ExplanationRequest(self.view.model, self.state.cell, method=self._method)

        def work(progress: Any, cancel: Any) -> xr.Dataset:
            return engine.get_engine().explain(request, progress, cancel, self.view.asker)

        def done(result: xr.Dataset) -> None:
            self._live = (key, result)
            self._show()

        doing = "Changing the weather of each past day, one at a time" if self.view.kind == "twin" else ""
        self.lane.start(doing or "Asking the model which past days made this", work, done)


def _cost(live: xr.Dataset) -> str:
    return f"computed live in {float(live.attrs.get('cost_seconds', 0)):.1f} s"


def _memory_of(live: xr.Dataset) -> str:
    return f"Mean memory {memory_summary(live)['memory_time']:.0f} days."
