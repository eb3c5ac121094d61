"""Hand-written kernels of the networks: products, gates and the head, for a block of lanes or a single cell.

Arrays of a block are (row, lane); ``product`` is the only place where the two differ: a block uses BLAS on weights
(row out, row in), a single cell runs through transposed weights (row in, row out) so that the inner loop is a vector.
"""

# The types of compiled functions are those of the kernels' signatures; numba, not mypy, checks them.
# mypy: allow-untyped-defs, disable-error-code="call-arg,var-annotated,no-untyped-call"

from __future__ import annotations

import numpy as np
from numba import njit

from hdlcore.models.kernels.numerics import FLAGS, ONE, fma, gate, tanh


@njit(**FLAGS)
def block_product(weight, z, result):
    """result (out, lane) = weight (out, in) @ z (in, lane)."""
    np.dot(weight, z, result)


@njit(error_model="numpy")
def cell_product(weight, z, result):
    """result (out, 1) = weight (in, out) transposed @ z (in, 1), summed in the order of the rows."""
    n_in, n_out = weight.shape
    x, y = z.reshape(-1), result.reshape(-1)
    y[:] = 0
    rest = n_in % 4
    for k in range(rest):
        a, u = x[k], weight[k]
        for j in range(n_out):
            y[j] = fma(a, u[j], y[j])
    for k in range(rest, n_in, 4):
        a, b, c, d = x[k], x[k + 1], x[k + 2], x[k + 3]
        u, v, p, q = weight[k], weight[k + 1], weight[k + 2], weight[k + 3]
        for j in range(n_out):
            y[j] = fma(d, q[j], fma(c, p[j], fma(b, v[j], fma(a, u[j], y[j]))))


@njit(error_model="numpy")
def update(gates, bias, cell, hidden):
    """One LSTM step from gates (4n,) without bias: replaces cell (n,) and hidden (n,), n = hidden units x lanes."""
    n = cell.size
    for j in range(n):
        let_in, keep = gate(gates[j] + bias[j]), gate(gates[n + j] + bias[n + j])
        let_out, new = gate(gates[2 * n + j] + bias[2 * n + j]), tanh(gates[3 * n + j] + bias[3 * n + j])
        c = fma(keep, cell[j], let_in * new)
        cell[j] = c
        hidden[j] = let_out * tanh(c)


@njit(error_model="numpy")
def update_keeping(gates, bias, before, cell, hidden):
    """The same step for training: leaves the activated gates in `gates` and today's cell state beside yesterday's."""
    n = cell.size
    for j in range(n):
        let_in, keep = gate(gates[j] + bias[j]), gate(gates[n + j] + bias[n + j])
        let_out, new = gate(gates[2 * n + j] + bias[2 * n + j]), tanh(gates[3 * n + j] + bias[3 * n + j])
        gates[j], gates[n + j], gates[2 * n + j], gates[3 * n + j] = let_in, keep, let_out, new
        c = fma(keep, before[j], let_in * new)
        cell[j] = c
        hidden[j] = let_out * tanh(c)


@njit(error_model="numpy")
def activate(a, bias, lanes):
    """In place tanh of a (row * lane,) + bias (row,)."""
    for row in range(bias.size):
        for lane in range(lanes):
            a[row * lanes + lane] = tanh(a[row * lanes + lane] + bias[row])


@njit(error_model="numpy")
def activate_cell(a, bias):
    """The same for a single cell."""
    for row in range(bias.size):
        a[row] = tanh(a[row] + bias[row])


@njit(error_model="numpy")
def update_back(gates, cell, before, d_hidden, d_cell, d_gates):
    """Slopes of a step's gates before activation (4n,) from those of its hidden and cell state.

    `gates` as left by `update_keeping`; replaces d_cell by the slope of yesterday's cell state.
    """
    n = cell.size
    for j in range(n):
        let_in, keep, let_out, new = gates[j], gates[n + j], gates[2 * n + j], gates[3 * n + j]
        squashed = tanh(cell[j])
        dh = d_hidden[j]
        dc = d_cell[j] + dh * let_out * (ONE - squashed * squashed)
        d_gates[j] = dc * new * let_in * (ONE - let_in)
        d_gates[n + j] = dc * before[j] * keep * (ONE - keep)
        d_gates[2 * n + j] = dh * squashed * let_out * (ONE - let_out)
        d_gates[3 * n + j] = dc * let_in * (ONE - new * new)
        d_cell[j] = dc * keep


@njit(error_model="numpy")
def activate_back(act, d_act):
    """In place: slopes before the head's tanh from those after it; `act` is its result."""
    for j in range(act.size):
        d_act[j] = d_act[j] * (ONE - act[j] * act[j])


@njit(error_model="numpy")
def put_day(wide, day, lanes, values):
    """Write values (row * lane,) of a day into a chunk (row, day * lane)."""
    for row in range(wide.shape[0]):
        target = wide[row]
        for lane in range(lanes):
            target[day * lanes + lane] = values[row * lanes + lane]


@njit(error_model="numpy")
def add_product(total, left, right, scratch):
    """total (a, b) += left (a, n) @ right (b, n) transposed."""
    np.dot(left, right.T, scratch)
    for i in range(total.shape[0]):
        for j in range(total.shape[1]):
            total[i, j] += scratch[i, j]


@njit(error_model="numpy")
def add_rows(total, wide):
    """total (row,) += sums of the rows of a chunk."""
    for row in range(wide.shape[0]):
        s = np.float32(0)
        for j in range(wide.shape[1]):
            s += wide[row, j]
        total[row] += s
