"""One day of a model as a graph: parameter maps and physics, traced, and proven against the plain functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hdlcore.models.hybrid import HybridModel
from hdlcore.models.kernels.adjoint import pull_back
from hdlcore.models.kernels.emit import function, needed
from hdlcore.models.kernels.trace import Graph, Symbol, Untraceable
from hdlcore.models.parameters import FIXED, GLOBAL, RecurrentNetwork, StaticNetwork

#: values drawn to prove a traced graph; zeros among them meet the ties
PROOF_CELLS = 64


@dataclass(frozen=True)
class Layout:
    """Names of what a day takes and gives, in the order of the rows of the kernels' buffer."""

    forcing: tuple[str, ...]
    stores: tuple[str, ...]
    #: parameters that do not change in time
    constant: tuple[str, ...]
    #: raw outputs of the recurrent networks, one after another
    raw: tuple[str, ...]
    outputs: tuple[str, ...]
    #: recurrent networks: (name, rows of forcing, rows of stores it sees, number of raw outputs)
    networks: tuple[tuple[str, tuple[int, ...], tuple[int, ...], int], ...]

    def rows(self, *groups: str) -> dict[str, int]:
        """First row of each group of the buffer."""
        sizes = {
            "forcing": len(self.forcing), "stores": len(self.stores), "constant": len(self.constant),
            "raw": len(self.raw), "seen": len(self.stores), "new": len(self.stores), "outputs": len(self.outputs),
            "d_outputs": len(self.outputs), "d_new": len(self.stores), "d_stores": len(self.stores),
            "d_seen": len(self.stores), "d_raw": len(self.raw), "d_constant": len(self.constant),
            "d_forcing": len(self.forcing),
        }  # fmt: skip
        starts = np.cumsum([0, *(sizes[g] for g in sizes)])
        found = {name: int(start) for name, start in zip(sizes, starts, strict=False)}
        return {"all": int(starts[-1])} | (found if not groups else {g: found[g] for g in groups})


class Day:
    """The traced day of a kind of model; raises `Untraceable` with the reason when it has none."""

    def __init__(self, model: HybridModel) -> None:
        self.layout = layout_of(model)
        self.graph = graph = Graph()
        self.inputs = {
            group: [graph.input(f"{group}.{name}") for name in getattr(self.layout, group)]
            for group in ("forcing", "stores", "constant", "raw")
        }
        named = after_networks(model, self.layout, self.inputs)
        self.new = [self._number(named, name) for name in self.layout.stores]
        self.outputs = [self._number(named, name) for name in self.layout.outputs]
        self.seen = [s / (s + store.half) for s, store in zip(self.inputs["stores"], model.stores, strict=True)]
        self._prove(model)

    def _number(self, named: dict, name: str) -> Symbol:
        value = named[name]
        return value if isinstance(value, Symbol) else self.graph.constant(value)

    # -- source -------------------------------------------------------------------------------------------------

    def source(self) -> list[str]:
        """`see` (stores as networks see them) and `day` (new stores and outputs) for the kernels."""
        rows, where = self.layout.rows(), self._where()
        stores = enumerate(self.new, rows["new"])
        outputs = enumerate(self.outputs, rows["outputs"])
        seen = [(row, symbol, False) for row, symbol in enumerate(self.seen, rows["seen"])]
        results = [(row, symbol, False) for row, symbol in chain(stores, outputs)]
        return [
            *function("see", self.graph, where, seen),
            "",
            "",
            *function("day", self.graph, where, results),
        ]

    def adjoint_source(self) -> list[str]:
        """`day_back` (slopes of everything a day takes) and `see_back` for the kernels."""
        graph, rows, lay = self.graph, self.layout.rows(), self.layout
        d_new = [graph.input(f"d_new.{name}") for name in lay.stores]
        d_outputs = [graph.input(f"d_outputs.{name}") for name in lay.outputs]
        d_seen = [graph.input(f"d_seen.{name}") for name in lay.stores]
        sources = [*self.inputs["stores"], *self.inputs["raw"], *self.inputs["forcing"], *self.inputs["constant"]]
        targets = [(f"d_{group}", i) for group in ("stores", "raw", "forcing", "constant")
                   for i in range(len(getattr(lay, group)))]  # fmt: skip
        slopes = pull_back(graph, [*self.new, *self.outputs], [*d_new, *d_outputs], sources)
        results = []
        for (group, i), slope in zip(targets, slopes, strict=True):
            # constants add up over the days; the others are of this day
            results.append((rows[group] + i, graph.constant(0.0) if slope is None else slope, group == "d_constant"))
        seen = pull_back(graph, self.seen, d_seen, self.inputs["stores"])
        back = [(rows["d_stores"] + i, s, True) for i, s in enumerate(seen) if s is not None]
        where = self._where()
        return [*function("day_back", graph, where, results), "", "", *function("see_back", graph, where, back)]

    def _where(self) -> dict[str, int]:
        rows, lay = self.layout.rows(), self.layout
        groups = {"forcing": lay.forcing, "stores": lay.stores, "constant": lay.constant, "raw": lay.raw,
                  "d_new": lay.stores, "d_outputs": lay.outputs, "d_seen": lay.stores}  # fmt: skip
        return {f"{g}.{name}": rows[g] + i for g, names in groups.items() for i, name in enumerate(names)}

    # -- proof --------------------------------------------------------------------------------------------------

    def _prove(self, model: HybridModel) -> None:
        """Compare the graph with the plain functions on drawn numbers; a trace that differs is no trace."""
        draw = np.random.default_rng(1)
        values = {
            group: [_drawn(draw, group) for _ in symbols] for group, symbols in self.inputs.items()
        }  # fmt: skip
        tensors = {group: [torch.from_numpy(v) for v in group_values] for group, group_values in values.items()}
        plain = after_networks(model, self.layout, tensors)
        known = {s.index: v for g, symbols in self.inputs.items() for s, v in zip(symbols, values[g], strict=True)}
        with np.errstate(all="ignore"):
            traced = evaluate(self.graph, [*self.new, *self.outputs], known)
        names = (*self.layout.stores, *self.layout.outputs)
        for name, ours in zip(names, traced, strict=True):
            theirs = np.broadcast_to(np.asarray(plain[name], np.float64), PROOF_CELLS)
            if not np.allclose(np.broadcast_to(ours, PROOF_CELLS), theirs, rtol=1e-9, atol=1e-9, equal_nan=True):
                raise Untraceable(f"its '{name}' depends on more than the day's values, so it cannot be traced")


def layout_of(model: HybridModel) -> Layout:
    """The rows of a model's buffer."""
    recurrent = [m.spec for m in model._recurrent()]
    table = model.parameters_table
    return Layout(
        forcing=tuple(model.forcing),
        stores=model.store_names,
        constant=_constants(model),
        raw=tuple(p.name for spec in recurrent for p in table if p.source == spec.name),
        outputs=tuple(model.outputs),
        networks=tuple(_network(model, spec) for spec in recurrent),
    )


def _constants(model: HybridModel) -> tuple[str, ...]:
    static = {n.name for n in model.networks if isinstance(n, StaticNetwork)} | {GLOBAL, FIXED}
    return tuple(p.name for p in model.parameters_table if p.source in static)


def _network(model: HybridModel, spec: RecurrentNetwork) -> tuple[str, tuple[int, ...], tuple[int, ...], int]:
    return (
        spec.name,
        tuple(model.forcing.index(f) for f in spec.forcing),
        tuple(model.store_names.index(s) for s in spec.stores),
        sum(p.source == spec.name for p in model.parameters_table),
    )


def after_networks(model: HybridModel, layout: Layout, values: dict) -> dict:
    """What `HybridModel.step` does after the networks, on symbols or tensors."""
    table = {p.name: p for p in model.parameters_table}
    named = dict(zip(layout.constant, values["constant"], strict=True))
    named |= {name: table[name].value(raw) for name, raw in zip(layout.raw, values["raw"], strict=True)}
    forcing = dict(zip(layout.forcing, values["forcing"], strict=True))
    stores, fluxes = model.physics(forcing, dict(zip(layout.stores, values["stores"], strict=True)), named)
    return {**named, **fluxes, **stores}


def _drawn(draw: np.random.Generator, group: str) -> NDArray:
    scale = {"forcing": 30.0, "stores": 80.0, "constant": 2.0, "raw": 3.0}[group]
    values = draw.normal(0, scale, PROOF_CELLS)
    if group in ("stores", "constant"):
        values = np.abs(values) + (0.05 if group == "constant" else 0.0)
    values[draw.random(PROOF_CELLS) < (0.15 if group in ("forcing", "stores") else 0.0)] = 0.0
    return values


_NUMPY: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative, "abs": np.abs,
    "exp": np.exp, "log": np.log, "log1p": np.log1p, "expm1": np.expm1, "sqrt": np.sqrt, "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "softplus": lambda x: np.where(x > 20, x, np.log1p(np.exp(x))),
    "sin": np.sin, "cos": np.cos, "sign": np.sign, "relu": lambda x: np.maximum(x, 0), "min": np.minimum,
    "max": np.maximum, "clamp": lambda x, low, high: np.minimum(np.maximum(x, low), high), "pow": np.power,
    "where": np.where, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "eq": np.equal, "ne": np.not_equal, "and": np.logical_and, "or": np.logical_or, "not": np.logical_not,
}  # fmt: skip


def evaluate(graph: Graph, results: list[Symbol], known: dict[int, NDArray]) -> list[NDArray]:
    """Values of `results` in float64, given those of the inputs by number: the slow reading of a graph."""
    values: dict[int, NDArray] = dict(known)
    for index in needed(graph, results):
        operation, *arguments = graph.nodes[index]
        if operation == "constant":
            values[index] = np.asarray(arguments[0], np.float64)
        elif operation != "input":
            values[index] = _NUMPY[operation](*(values[a] for a in arguments))
    return [values[symbol.index] for symbol in results]
