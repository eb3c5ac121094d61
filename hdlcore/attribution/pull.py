"""The banded adjoint without a graph: go back through linear days for sixteen target days at a time."""

# The types of compiled functions are those they are first called with; numba, not mypy, checks them.
# mypy: allow-untyped-defs, disable-error-code="call-arg,var-annotated,no-untyped-call"

from __future__ import annotations

import numpy as np
from numba import njit

#: Target days that go back together: rows of one small matrix product.
LANES = 16


@njit(nogil=True, cache=True, error_model="numpy")
def pull(
    targets, first, last, units, weight, store_unit, store_store, store_forcing, seen, target_unit, target_store,
    target_forcing, sees_forcing, sees_stores, share, gradients,
):  # fmt: skip
    """Add `share` times the gradients of target days number `first` to `last` to gradients (target, lag, driver).

    `targets` are rows of the linear days (see `LinearDays`); lag l reads row target - l.
    """
    lags, n_stores, n = gradients.shape[1], store_store.shape[1], target_unit.shape[1]
    n_forcing, n_sees, n_kept = target_forcing.shape[1], sees_forcing.size, sees_stores.size
    hidden, cell = np.zeros((LANES, n), np.float32), np.zeros((LANES, n), np.float32)
    stores = np.zeros((LANES, max(n_stores, 1)), np.float32)
    old = np.zeros(max(n_stores, 1), np.float32)
    d_gates = np.zeros((LANES, 4 * n), np.float32)
    d_input = np.zeros((LANES, weight.shape[1]), np.float32)
    for start in range(first, last, LANES):
        lanes = min(LANES, last - start)
        hidden[:], cell[:], stores[:], d_gates[:] = 0, 0, 0, 0
        for lag in range(lags):
            for lane in range(lanes):
                row = targets[start + lane] - lag
                dh, dc, u, dg = hidden[lane], cell[lane], units[row], d_gates[lane]
                if lag == 0:
                    slope = target_unit[row]
                    for j in range(n):
                        dh[j] = slope[j]
                for s in range(n_stores):
                    a, slope = stores[lane, s], store_unit[row, s]
                    for j in range(n):
                        dh[j] += a * slope[j]
                for j in range(n):
                    h = dh[j]
                    c = dc[j] + h * u[j]
                    dg[j] = c * u[n + j]
                    dg[n + j] = c * u[2 * n + j]
                    dg[2 * n + j] = h * u[3 * n + j]
                    dg[3 * n + j] = c * u[4 * n + j]
                    dc[j] = c * u[5 * n + j]
            np.dot(d_gates, weight, d_input)
            for lane in range(lanes):
                row, dz = targets[start + lane] - lag, d_input[lane]
                out = gradients[start + lane, lag]
                for k in range(n_forcing):
                    total = target_forcing[row, k] if lag == 0 else np.float32(0)
                    for s in range(n_stores):
                        total += stores[lane, s] * store_forcing[row, s, k]
                    out[k] += share * total
                for i in range(n_sees):
                    out[sees_forcing[i]] += share * dz[i]
                for k in range(n_stores):
                    total = target_store[row, k] if lag == 0 else np.float32(0)
                    for s in range(n_stores):
                        total += stores[lane, s] * store_store[row, s, k]
                    old[k] = total
                for i in range(n_kept):
                    old[sees_stores[i]] += dz[n_sees + i] * seen[row, sees_stores[i]]
                for k in range(n_stores):
                    stores[lane, k] = old[k]
                dh = hidden[lane]
                for j in range(n):
                    dh[j] = dz[n_sees + n_kept + j]
