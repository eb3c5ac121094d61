"""Members of a model beside each other at some cells: their seasons, how far they disagree, what each store carries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard.selection import number
from dashboard.series import STORES
from dashboard.summary import CARRIERS
from hdlcore.analysis.decomposition import variance_share
from hdlcore.analysis.equifinality import pair_score

#: Half width of the central 90 % of a normal distribution, standard deviations.
NINETY = 1.645


@dataclass(frozen=True)
class Members:
    """Departures from each member's own mean, mm: `cycle` (member, 12) by store, `monthly` (member, month)."""

    cycle: dict[str, NDArray[np.float64]]
    monthly: dict[str, NDArray[np.float64]]

    def disagreement(self, store: str) -> float:
        """0: members agree; 1: they differ as much as each varies. Mean levels do not count; NaN without a swing, and
        for one member alone."""
        if len(self.monthly[store]) < 2:
            return float("nan")
        score = pair_score(self.monthly[store])
        return float(score.amplitude + score.timing)

    def shares(self, store: str) -> NDArray[np.float64]:
        """Share of the variance of each member's total that a store carries, (member,)."""
        pairs = zip(self.monthly[store], self.monthly["tws"], strict=True)
        return np.array([float(variance_share(part, whole)) for part, whole in pairs])

    def band(self, store: str, factor: float) -> tuple[NDArray, NDArray]:
        """Members' spread about their mean, stretched by `factor` to a 90 % band of single months, (12,) each."""
        cycle = self.cycle[store]
        spread = self.monthly[store].std(0)
        months = spread.size // 12
        wide = NINETY * factor * np.sqrt((spread[: 12 * months].reshape(months, 12) ** 2).mean(0))
        return cycle.mean(0) - wide, cycle.mean(0) + wide


def members_of(data: xr.Dataset, area: NDArray) -> Members:
    """Area-weighted means over the cells of the engine's answer (member, time, cell) with whole years."""
    weights = area.astype(np.float64) / area.sum()
    monthly, cycle = {}, {}
    for name in STORES:
        if name not in data:
            continue
        series = data[name].transpose("member", "time", "cell").values.astype(np.float64) @ weights
        series = series - series.mean(1, keepdims=True)
        monthly[name] = series
        cycle[name] = series.reshape(len(series), -1, 12).mean(1)
    return Members(cycle, monthly)


def sentence(found: Members, place: str) -> str:
    """How alike the members see the total, and how differently what is behind it."""
    if len(next(iter(found.monthly.values()), ())) == 1:
        return f"{place}: the model has one member, so there is no other to compare it with; train it with more."
    total = found.disagreement("tws") if "tws" in found.monthly else float("nan")
    if not np.isfinite(total):
        return f"{place}: stored water does not vary here."
    parts = []
    for store in STORES[1:]:
        if store in found.monthly:
            least, most = np.quantile(100 * found.shares(store), [0, 1])
            if max(abs(least), abs(most)) >= 1:
                parts.append(f"{CARRIERS[store]} {number(round(least))} to {number(round(most))} %")
    text = f"{place}: disagreement on the total {total:.2f}"
    count = len(found.monthly["tws"])
    return f"{text}; by member, of {count}, its swing is carried by {', '.join(parts)}." if parts else f"{text}."
