"""What an evaluation report takes. `hdlcore.runtime.report_page` makes the page of it.

Every part of a `Report` but its title may be missing; its section is then left out, never filled with something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.analysis.decomposition import PartitionCurve

#: {"raw": {"nse_median": 0.5, ...}, "msc": ..., "iav": ...}, as in `hdl evaluate --json`.
PartScores = Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True)
class Headline:
    """A figure to see first: its label, value and what it is; `met` says whether a target named in `note` is met."""

    label: str
    value: float | None
    note: str = ""
    met: bool | None = None
    digits: int = 2


@dataclass(frozen=True)
class CellMap:
    """Values (cell,) at lat, lon (degrees) to be drawn between `low` and `high` in a cmcrameri colour map."""

    title: str
    values: NDArray
    lat: NDArray
    lon: NDArray
    low: float = 0.0
    high: float = 1.0
    cmap: str = "batlow"
    units: str = ""
    note: str = ""


@dataclass(frozen=True)
class Series:
    """Lines over times (time,), by name, each (time,); a band (low, high) behind them with what it means."""

    title: str
    times: NDArray
    lines: Mapping[str, NDArray]
    units: str = ""
    band: tuple[NDArray, NDArray] | None = None
    band_label: str = "90 % band"


@dataclass(frozen=True)
class Calibration:
    """How honest the bands of a variable are on held-out data.

    `pit` (n,) in (0, 1); `scores` with coverage_50, coverage_90 (0 to 1) and crps (in `units`); `by_zone` the same for
    each zone; `ensemble` the same for the raw spread of the members, to be seen beside it.
    """

    pit: NDArray
    scores: Mapping[str, float]
    units: str = ""
    by_zone: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    ensemble: Mapping[str, float] | None = None
    ensemble_pit: NDArray | None = None


@dataclass(frozen=True)
class Equifinality:
    """What members disagree on: a store, flux or parameter, with medians of `hdlcore.analysis.equifinality`."""

    name: str
    level: float = np.nan
    amplitude: float = np.nan
    timing: float = np.nan
    against_total: float = np.nan
    between_places: float = np.nan
    contraction: float = np.nan


@dataclass(frozen=True)
class Report:
    """All that an evaluation may show. See the classes above; what is missing is left out of the page.

    Parameters
    ----------
    title, model, summary : plain text.
    facts : what it was driven by, compared with and tested on, by topic; the topics of
        `hdlcore.analysis.published.SETUP` are set beside the paper's ("Forcing", "Storage", "Snow", "Held out", ...).
    headlines : figures to see first.
    scores : by variable name of `hdlcore.variables`, by part.
    zones : by variable name, medians by zone and part: the dataset of `seasonal_scores.summary_by_zone`.
    baselines : by name of a rival, by variable, by part.
    differences : sentences on what makes these scores easier or harder than the paper's.
    components : median correlation of the anomalies of each store with the truth, where a truth is known.
    partition : learned curve by destination: "soil", "surface", "groundwater".
    variance : by zone, share of the variance of total storage by store name; means over cells, not medians, sum to one.
    limits : where not to trust the model. provenance : versions, hashes, dates by topic.
    """

    title: str
    model: str = ""
    summary: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    headlines: Sequence[Headline] = ()
    scores: Mapping[str, PartScores] = field(default_factory=dict)
    zones: Mapping[str, xr.Dataset] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, PartScores]] = field(default_factory=dict)
    differences: Sequence[str] = ()
    maps: Sequence[CellMap] = ()
    series: Sequence[Series] = ()
    calibration: Mapping[str, Calibration] = field(default_factory=dict)
    components: Mapping[str, float] = field(default_factory=dict)
    partition: Mapping[str, PartitionCurve] = field(default_factory=dict)
    variance: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    equifinality: Sequence[Equifinality] = ()
    limits: Sequence[str] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
