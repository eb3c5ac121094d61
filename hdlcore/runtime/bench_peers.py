"""Steps of other packages beside ours, where somebody has installed them; they are never needed.

Each runs its own model on as many cell-days as ours: not the same physics, but the same work for whoever wants a season
of a hybrid model. neuralhydrology (Kratzert et al. 2022, JOSS 7, 4050; BSD-3): its HybridModel, an LSTM that steers the
buckets of SHM. hydrodl2 (Feng et al. 2022, WRR 58, e2022WR032404; non-commercial licence): its HBV under given
parameters, no network at all.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import torch

from hdlcore.runtime.bench_kernels import Figure, best_reference, simulation

CELLS, DAYS, HIDDEN = 256, 365, 64


def neuralhydrology() -> list[Figure]:
    """Our H2M against a HybridModel of the same hidden size; nothing where the package is missing."""
    if importlib.util.find_spec("neuralhydrology") is None:
        return []
    config: Any = importlib.import_module("neuralhydrology.utils.config")
    models: Any = importlib.import_module("neuralhydrology.modelzoo.hybridmodel")
    names = ["precipitation", "pet", "tmin", "tmax"]
    settings = {
        "model": "hybrid_model", "conceptual_model": "SHM", "hidden_size": HIDDEN, "dynamic_inputs": names,
        "dynamic_conceptual_inputs": names, "target_variables": ["runoff"], "warmup_period": 0, "head": "regression",
        "predict_last_n": DAYS, "seq_length": DAYS, "use_frequencies": [],
        "custom_normalization": {n: {"centering": None, "scaling": None} for n in [*names, "runoff"]},
    }  # fmt: skip
    model = models.HybridModel(config.Config(settings, dev_mode=True)).eval()
    data = {"x_d": {name: torch.rand(CELLS, DAYS, 1) * 5 for name in names}}
    return [_beside("neuralhydrology, LSTM and SHM", lambda: model(data))]


def hydrodl2() -> list[Figure]:
    """Our H2M, network included, against their HBV without one; nothing where the package is missing."""
    if importlib.util.find_spec("hydrodl2") is None:
        return []
    hbv: Any = importlib.import_module("hydrodl2.models.hbv.hbv")
    model = hbv.Hbv(device=torch.device("cpu")).eval()
    forcing = {"x_phy": torch.rand(DAYS, CELLS, 3) * 5}
    parameters = torch.zeros(DAYS, CELLS, model.learnable_param_count)
    return [_beside("hydrodl2, HBV without a network", lambda: model(forcing, parameters))]


def _beside(name: str, work: Any) -> Figure:
    ours = simulation("", HIDDEN, CELLS, DAYS, 1.0, 2).ours
    with torch.no_grad():
        theirs = CELLS * DAYS / best_reference(work, 1)
    return Figure(f"{CELLS} cells x {DAYS} days (against {name})", ours, theirs, ours / theirs, "cell-days s-1")
