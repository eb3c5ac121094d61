"""Calibrate a model without networks on one basin at a time: what a hybrid model must be better than.

Global search by differential evolution (Storn and Price 1997) over the bounds of the parameter table; a whole
population runs as one batch of cells with parameters of their own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from hdlcore.analysis.scores import nse
from hdlcore.data.sites import SITE_FEATURES, SiteRecord
from hdlcore.errors import ModelError
from hdlcore.models.hybrid import HybridModel, Prepared
from hdlcore.models.kernels import fast
from hdlcore.models.parameters import GLOBAL
from hdlcore.models.registry import model_kind
from hdlcore.training.sites import SPIN_UP_DAYS

#: Candidates a parameter, and generations at most.
POPULATION, GENERATIONS = 8, 120


def calibrate(
    kind: str, record: SiteRecord, days: NDArray[np.bool_], seed: int = 1, generations: int = GENERATIONS,
    report: Callable[[float], None] | None = None,
) -> tuple[dict[str, float], NDArray[np.float32]]:  # fmt: skip
    """Parameters by name with the highest NSE of daily runoff on `days` (time,) bool, and the runoff they give (time,).

    Raises `ModelError` where the kind has a network: that is trained, not calibrated.
    """
    model = model_kind(kind)(SITE_FEATURES)
    if model.networks:
        raise ModelError(f"Models of kind '{kind}' have networks; train them with 'hdl train'.")
    table = [p for p in model.parameters_table if p.source == GLOBAL]
    observed = np.where(days, record.runoff, np.nan)

    def runoff(candidates: NDArray) -> NDArray[np.float32]:
        return run_with(model, {p.name: candidates[i] for i, p in enumerate(table)}, record)

    def worse(candidates: NDArray) -> NDArray:
        candidates = candidates.reshape(len(table), -1)
        return 1 - nse(runoff(candidates), np.broadcast_to(observed[:, None], (len(observed), candidates.shape[1])))

    done = 0

    def generation(*_: object, **__: object) -> None:
        nonlocal done
        done += 1
        if report:
            report(done / generations)

    from scipy.optimize import differential_evolution  # half a second that who simulates need not wait for

    found = differential_evolution(
        worse, [(p.low, p.high) for p in table], popsize=POPULATION, maxiter=generations, rng=seed, vectorized=True,
        polish=False, updating="deferred", init="sobol", callback=generation, tol=1e-4,
    )  # fmt: skip
    values = {p.name: float(found.x[i]) for i, p in enumerate(table)}
    return values, runoff(found.x[:, None])[:, 0]


def run_with(model: HybridModel, values: dict[str, NDArray], record: SiteRecord) -> NDArray[np.float32]:
    """Runoff (time, n) of a record under `n` sets of parameters (n,) by name, after a spin-up on its first years."""
    n = len(next(iter(values.values())))
    parameters = {name: torch.from_numpy(np.ascontiguousarray(v, np.float32)) for name, v in values.items()}
    with torch.no_grad():
        fixed = model.prepare(torch.zeros(1, len(model.statics))).parameters
    prepared = Prepared({}, {name: parameters.get(name, value) for name, value in fixed.items()})
    forcing = torch.from_numpy(record.forcing)[:, None].expand(-1, n, -1)
    with torch.no_grad():
        state = fast.advance(model, prepared, forcing[:SPIN_UP_DAYS], model.initial_state(n))
        series, _ = fast.run(model, prepared, forcing, state, ("runoff",))
    return series[..., 0].numpy()
