"""From the state to cells: which the filters leave, what the curves are of, and why nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard.layers import MONTHS, Layer
from dashboard.state import State
from hdlcore.data.cube import positions
from hdlcore.data.regions import category_names, cells_in_region, filter_cells, place_name
from hdlcore.errors import RequestError
from hdlcore.variables import Variable, variable

Mask = NDArray[np.bool_]
#: Rows of heatmaps that are not quantities, and short names of those that are.
ROW_LABELS = {
    "precipitation": "Precipitation", "air_temperature": "Temperature", "net_radiation": "Radiation", "swe": "Snow",
    "soil_moisture": "Soil moisture", "groundwater": "Groundwater", "hidden_state": "Hidden state",
    "leaves": "Leaves", "interflow_and_rivers": "Hillslopes, rivers", "carbon": "Carbon",
    "soil_temperature": "Soil heat", "canopy_water": "Water on leaves", "rootzone_moisture": "Root zone",
    "deep_soil_moisture": "Deep soil", "quick_flow_store": "Quick flow", "all_weather": "All weather",
    "whole_state": "All stores",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Selection:
    """Cells of the present view.

    `mask` (cell): let through by the filters; `outline` (cell): cells of the named or drawn region, or None; `position`
    of the chosen cell; `of`: positions the curves are of; `label` says what those are; `masks`: what each filter lets
    through.
    """

    mask: Mask
    outline: Mask | None
    position: int
    of: NDArray[np.intp]
    label: str
    empty: str = ""
    masks: dict[str, Mask] = field(default_factory=dict)

    def without(self, name: str) -> Mask:
        """Cells that every filter but one lets through, (cell)."""
        others = [mask for other, mask in self.masks.items() if other != name]
        return np.logical_and.reduce(others) if others else np.ones_like(self.mask)

    @property
    def single(self) -> bool:
        """Whether the curves are of one cell."""
        return self.of.size == 1


def flag_names(world: xr.Dataset, name: str) -> dict[int, str]:
    """Readable name of each class of a classified variable, {code: name}."""
    codes = np.atleast_1d(world[name].attrs["flag_values"]).tolist()
    return dict(zip(codes, category_names(world, name), strict=True))  # type: ignore[arg-type]


def class_of(world: xr.Dataset, name: str, position: int) -> str:
    """Readable class of one cell, or '' where it has none."""
    return flag_names(world, name).get(int(world[name].values[position]), "")


def degrees(pair: tuple[float, float]) -> str:
    """A latitude band in words: '10 S to 30 N'."""
    return " to ".join(f"{abs(value):g}°" + ("" if value == 0 else " S" if value < 0 else " N") for value in pair)


def number(value: float) -> str:
    """A short number with a true minus sign: three digits, two below ten, thousands set apart.

    Numbers are so in sentences, tables and labels, and under a pointer (`pages/number.js`).
    """
    value, size = value + 0.0, abs(value)  # no minus before nought
    text = f"{value:,.0f}" if 100 <= size < 1e9 else f"{value:.3g}" if size >= 10 else f"{value:.2g}"
    return text.replace("-", "−")


@lru_cache(maxsize=64)
def _region_mask(version: str, name: str, world_of: Callable[[], xr.Dataset]) -> Mask:
    world = world_of()
    mask = np.zeros(world.sizes["cell"], bool)
    mask[positions(world, cells_in_region(world, name))] = True
    mask.setflags(write=False)
    return mask


def filter_labels(state: State, world: xr.Dataset, quantity: Variable) -> dict[str, str]:
    """The filters that are set and what each is called on its chip."""
    zones, covers = flag_names(world, "climate_zone"), flag_names(world, "land_cover")
    labels: dict[str, str] = {}
    if state.climate_zones:
        labels["climate_zones"] = ", ".join(zones[code] for code in state.climate_zones) + " climate"
    if state.land_covers:
        names = [covers[code] for code in state.land_covers]
        labels["land_covers"] = names[0] if len(names) == 1 else f"{len(names)} land covers"
    if state.latitude:
        labels["latitude"] = degrees(state.latitude)
    if state.values:
        units = "" if quantity.units == "1" else f" {quantity.units}"
        labels["values"] = f"{quantity.long_name} {number(state.values[0])} to {number(state.values[1])}{units}"
    if state.region:
        labels["region"] = state.region
    if state.polygon:
        labels["polygon"] = "Drawn region"
    if state.memory_box:
        labels["memory_box"] = box_label(state.memory_box)
    return labels


def box_label(box: tuple[str, tuple[str, ...], int, int]) -> str:
    """A box of a heatmap in words: 'Memory: precipitation, 90 to 364 days back'."""
    rows, names, first, last = box
    if rows == "month":
        words = [MONTHS[int(name) - 1] for name in names]
    elif rows == "zone":
        words = list(names)
    else:
        words = [row_label(name).lower() for name in names]
    what = ", ".join(words) if len(words) < 4 else f"{len(words)} {rows}s"
    days = f"{first} to {last} days" if last > first else f"{first} day{'s' if first != 1 else ''}"
    return f"Memory: {what}, {days} back"


def row_label(name: str) -> str:
    """What a driver, a store or the whole of them is called."""
    if name in ROW_LABELS:
        return ROW_LABELS[name]
    try:
        return variable(name).long_name
    except RequestError:
        return name.replace("_", " ")


def _masks(
    state: State, world: xr.Dataset, layer: Layer, world_of: Callable[[], xr.Dataset], box: Mask | None
) -> dict[str, Mask]:
    masks: dict[str, Mask] = {} if box is None else {"memory_box": box}

    def one(name: str, **arguments: Any) -> None:
        masks[name] = np.asarray(filter_cells(world, **arguments)[0], bool)

    if state.climate_zones:
        zones = flag_names(world, "climate_zone")
        one("climate_zones", climate_zones=[zones[code] for code in state.climate_zones])
    if state.land_covers:
        covers = flag_names(world, "land_cover")
        one("land_covers", land_covers=[covers[code] for code in state.land_covers])
    if state.latitude:
        one("latitude", lat_min=state.latitude[0], lat_max=state.latitude[1])
    if state.values:
        one("values", values=layer.values, value_min=state.values[0], value_max=state.values[1])
    if state.region:
        masks["region"] = _region_mask(str(world.attrs.get("version", "")), state.region, world_of)
    if state.polygon:
        one("polygon", polygon=state.polygon)
    return masks


def explain_empty(masks: dict[str, Mask], labels: dict[str, str]) -> str:
    """One sentence saying which filter emptied the selection, or which to loosen."""
    alone = [labels[name] for name, mask in masks.items() if not mask.any()]
    if alone:
        return f"No cell is left: '{alone[0]}' alone lets none through."
    without = {
        name: int(
            np.logical_and.reduce([mask for other, mask in masks.items() if other != name] or [np.ones(1, bool)]).sum()
        )
        for name in masks
    }
    name = max(without, key=lambda key: without[key])
    if without[name]:
        return f"No cell is left: without '{labels[name]}' there would be {without[name]:,}."
    return f"No cell is left: {' and '.join(repr(label) for label in labels.values())} have none in common."


def select(
    state: State, world: xr.Dataset, layer: Layer, world_of: Callable[[], xr.Dataset], box: Mask | None = None
) -> Selection:
    """Cells of the present view; `box` are the cells that show the box of a memory heatmap, if one is chosen.

    Raises
    ------
    RequestError
        When the chosen cell is not in the cube, or a region is unknown.
    """
    position = int(positions(world, [state.cell])[0])
    masks = _masks(state, world, layer, world_of, box)
    mask = np.logical_and.reduce(list(masks.values())) if masks else np.ones(world.sizes["cell"], bool)
    outlines = [masks[name] for name in ("region", "polygon") if name in masks]
    outline = np.logical_and.reduce(outlines) if outlines else None
    labels = filter_labels(state, world, layer.variable)
    if state.focus == "filter" and masks and mask.any():
        label = " · ".join(labels.values())
        return Selection(mask, outline, position, np.flatnonzero(mask), label, masks=masks)
    empty = explain_empty(masks, labels) if masks and not mask.any() else ""
    return Selection(mask, outline, position, np.array([position]), cell_label(world, position), empty, masks)


def cell_label(world: xr.Dataset, position: int) -> str:
    """Name of a cell, e.g. 'Central Amazon, Brazil'."""
    return place_name(world, int(world["cell"].values[position]))


def facts(world: xr.Dataset, selection: Selection) -> list[tuple[str, str]]:
    """What is known of the chosen place, as (term, text)."""
    if selection.single:
        at = int(selection.of[0])
        return [
            ("Climate", class_of(world, "koeppen", at)),
            ("Land cover", class_of(world, "land_cover", at)),
            ("Elevation", f"{float(world['elevation'].values[at]):,.0f} m"),
        ]
    weights = world["area"].values[selection.of].astype(float)
    lats = world["lat"].values[selection.of]

    def leading(name: str) -> str:
        codes = world[name].values[selection.of]
        sizes = {code: weights[codes == code].sum() for code in np.unique(codes)}
        code = max(sizes, key=lambda key: sizes[key])
        return f"{flag_names(world, name)[int(code)]} ({100 * sizes[code] / weights.sum():.0f} % of the area)"

    return [
        ("Cells", f"{selection.of.size:,}, {weights.sum() / 1e12:.3g} million km²"),
        ("Latitude", degrees((float(lats.min()), float(lats.max())))),
        ("Climate", leading("climate_zone")),
        ("Land cover", leading("land_cover")),
    ]


def parse_place(world: xr.Dataset, lat: Any, lon: Any, typed: list[str]) -> tuple[float, float]:
    """Numbers from the latitude and longitude fields; raises RequestError with one sentence."""
    if not all(isinstance(value, (int, float)) and np.isfinite(value) for value in (lat, lon)):
        raise RequestError(
            f"'{', '.join(typed)}' is not a place; give latitude and longitude in degrees, as in -4.5 and -62.5."
        )
    return float(lat), float(lon)
