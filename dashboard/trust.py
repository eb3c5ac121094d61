"""How far a model can be trusted, from its card and the fields it ships: scores, zones, pairs, in numbers and words.

A card may lack any of it (a model of one's own, trained elsewhere): what is missing is left out, never made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard.layers import yearly_mean
from dashboard.selection import flag_names, number
from dashboard.summary import units_in_words
from hdlcore.analysis.scores import correlation, rmse
from hdlcore.runtime.engine import ModelInfo
from hdlcore.runtime.report_of import baselines_of
from hdlcore.variables import VARIABLES, variable

PARTS = {"raw": "months", "msc": "season", "iav": "anomalies"}
#: Short names of what is scored, for rows of a chart.
NAMES = {
    "tws": "Total storage",
    "swe": "Snow",
    "soil_moisture": "Soil moisture",
    "groundwater": "Groundwater",
    "evapotranspiration": "Evaporation",
    "runoff": "Runoff",
}
RIVALS = {
    "zero_anomaly": "no season at all",
    "neighbour_mean": "mean of the nearest cells",
    "bucket": "plain bucket",
    "twin_bucket": "plain bucket",
    "twin_lstm": "network without physics",
}
STORES = ("swe", "soil_moisture", "groundwater")
#: Above this a place is unlike anything the model learned from (Meyer and Pebesma 2021).
BEYOND = 1.0


@dataclass(frozen=True)
class ScoreRow:
    """Median NSE over held-out cells of one quantity and part: the model's, and each rival's by name."""

    name: str
    part: str
    own: float
    rivals: dict[str, float]

    @property
    def label(self) -> str:
        """As it stands in a chart."""
        return f"{short_name(self.name)}, {PARTS[self.part]}"


@dataclass(frozen=True)
class Pairs:
    """Mean seasonal cycles to hold against each other, (12, cell), in `units`; `seen` says what `known` is."""

    known: NDArray[np.float32]
    simulated: NDArray[np.float32]
    name: str
    seen: str
    note: str

    @property
    def units(self) -> str:
        """CF units of both."""
        return variable(self.name).units


def short_name(name: str) -> str:
    """What a quantity is called in a row of a chart."""
    return NAMES.get(name) or (variable(name).long_name if name in VARIABLES else name.replace("_", " "))


def found(tree: Any, *path: str) -> float:
    """The number at a path of a card's nested tables; NaN where there is none."""
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return float("nan")
        tree = tree[key]
    good = isinstance(tree, int | float) and not isinstance(tree, bool)
    return float(tree) if good else float("nan")


def table_at(tree: Any, *path: str) -> dict[str, Any]:
    """The table at a path of a card's nested tables; empty where there is none."""
    for key in path:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return dict(tree) if isinstance(tree, Mapping) else {}


def score_rows(info: ModelInfo) -> list[ScoreRow]:
    """Every quantity and part that the card has a score of, with those of its rivals."""
    rivals = baselines_of(info.card)
    rows = []
    for name, parts in info.card.scores.items():
        if name not in VARIABLES:
            continue
        for part in PARTS:
            own = found(parts, part, "nse_median")
            others = {rival: found(scores, name, part, "nse_median") for rival, scores in rivals.items()}
            if np.isfinite(own):
                rows.append(ScoreRow(name, part, own, {key: v for key, v in others.items() if np.isfinite(v)}))
    return rows


def rival_title(name: str) -> str:
    """What a rival is, in words."""
    return RIVALS.get(name.replace(" ", "_").replace("-", "_"), name.replace("_", " "))


def headline(info: ModelInfo, target: str) -> str:
    """One sentence: how good the model is at a quantity, beside its strongest rival."""
    rows = {row.part: row for row in score_rows(info) if row.name == target}
    if not rows:
        return ""
    yearless = info.card.recipe.get("data") == "grace"  # under weather without years only the season can be judged
    row = rows.get("msc" if yearless else "raw") or next(iter(rows.values()))
    text = f"{row.label}: median efficiency (NSE) {number(row.own)} on cells its members never saw"
    if row.rivals:
        best = max(row.rivals, key=lambda key: row.rivals[key])
        text += f"; {rival_title(best)} reaches {number(row.rivals[best])}"
    return text + "."


# -- fields ------------------------------------------------------------------------------------------------------


def score_names(fields: xr.Dataset | None) -> list[str]:
    """Scores per cell that a model ships, in the order of the table of variables."""
    if fields is None:
        return []
    return [
        name for name, entry in VARIABLES.items()
        if entry.kind == "score" and name in fields and fields[name].dims == ("cell",)
    ]  # fmt: skip


def target_of(score: str) -> str:
    """The quantity that a score is of; total storage where it is of none in particular."""
    return next((name for name in NAMES if score.startswith(f"{name}_")), "tws")


def zone_rows(world: xr.Dataset, values: NDArray, mask: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """For each climate zone and the cells let through: number, median, quartiles and 5 to 95 % of a score."""
    rows = []
    codes = world["climate_zone"].values
    for code, name in flag_names(world, "climate_zone").items():
        part = values[mask & (codes == code) & np.isfinite(values)].astype(float)
        ends = np.quantile(part, [0.05, 0.25, 0.5, 0.75, 0.95]).tolist() if part.size else []
        rows.append({"code": int(code), "name": name, "count": int(part.size), "ends": ends})
    return rows


def beyond(fields: xr.Dataset | None) -> NDArray[np.bool_] | None:
    """Cells unlike anything the model learned from; None where the model does not say."""
    if fields is None or "extrapolation" not in fields:
        return None
    return np.asarray(fields["extrapolation"].values > BEYOND)


def pairs(target: str, fields: xr.Dataset, truth: xr.Dataset | None, generated: bool) -> Pairs | None:
    """What can be held against the model's seasons: the observed storage, or for a model of the twin the truth itself.

    Stores are departures from their yearly mean, fluxes as they are. None where nothing is shipped.
    """
    if target == "tws" and {"tws_smoothed", "tws_observed"} <= set(fields.data_vars):
        seen = "generated observation" if generated else "GRACE"
        note = "Mean season, smoothed as the satellite sees it."
        return Pairs(fields["tws_observed"].values, fields["tws_smoothed"].values, target, seen, note)
    if not generated or truth is None or target not in truth or target not in fields:
        return None
    known, simulated = (data[target].transpose("month", "cell").values for data in (truth, fields))
    if variable(target).kind == "store":
        known, simulated = (values - yearly_mean(values) for values in (known, simulated))
    spans = " and ".join(str(data.attrs.get("period", "")).replace("/", " to ") for data in (truth, fields))
    note = (
        f"Mean seasons of the truth and of the model ({spans}): years differ, so a perfect model would scatter a bit."
    )
    return Pairs(known.astype(np.float32), simulated.astype(np.float32), target, "truth of the twin", note)


def agreement(held: Pairs, mask: NDArray[np.bool_]) -> dict[str, float]:
    """Pairs of month and cell: their number, correlation, root mean square error, bias."""
    known, own = held.known[:, mask].ravel().astype(float), held.simulated[:, mask].ravel().astype(float)
    good = np.isfinite(known) & np.isfinite(own)
    known, own = known[good], own[good]
    if not known.size:
        return {"n": 0}
    return {
        "n": int(known.size),
        "r": float(correlation(own, known)),
        "rmse": float(rmse(own, known)),
        "bias": float((own - known).mean()),
    }


def agreement_sentence(held: Pairs, stats: dict[str, float], cells: int, place: str) -> str:
    """The density in words."""
    if not stats["n"]:
        return f"{place}: there is nothing to compare."
    units = units_in_words(held.units)
    text = f"{place}: {stats['n']:,} pairs of month and cell ({cells:,} {'cell' if cells == 1 else 'cells'})"
    if np.isfinite(stats["r"]):
        text += f", correlation {number(round(stats['r'], 2))}"
    text += f", root mean square error {number(stats['rmse'])} {units}"
    even = abs(stats["bias"]) < 0.005 * stats["rmse"]  # departures from a yearly mean have none
    return f"{text}." if even else f"{text}, bias {number(stats['bias'])} {units}."


def two_digits(value: float) -> str:
    """A score as it stands in a list: two decimals, fewer where it is large."""
    return f"{value:.2f}".replace("-", "−") if abs(value) < 10 else number(value)


def density(held: Pairs, mask: NDArray[np.bool_], bins: int = 72) -> tuple[NDArray[np.float32], float, float]:
    """Counts of pairs (simulated, known) in equal bins from low to high, NaN where none lie; and these ends.

    The ends hold all but one in 500 of the pairs of all cells, so that they stand still while the selection moves.
    """
    both = np.concatenate([held.known.ravel(), held.simulated.ravel()])
    both = both[np.isfinite(both)]
    low, high = (float(v) for v in np.quantile(both, [0.002, 0.998])) if both.size else (0.0, 1.0)
    if high <= low:
        low, high = low - 1, high + 1
    known, own = held.known[:, mask].ravel(), held.simulated[:, mask].ravel()
    good = np.isfinite(known) & np.isfinite(own)
    counts, _, _ = np.histogram2d(own[good], known[good], bins=bins, range=[(low, high), (low, high)])
    return np.where(counts > 0, counts, np.nan).astype(np.float32), low, high
