"""Source of the simulation kernel of one kind of model, for blocks of lanes or for a single cell."""

from __future__ import annotations

from hdlcore.models.kernels.day import Day, Layout

#: cells that step together; 16 float32 are one AVX-512 register, and BLAS has its fastest small product there
BLOCK_LANES = 16

HEADER = '''"""Generated from the physics of {name}; made anew whenever that or the kernels change. Do not edit."""

import math

import numpy as np
from numba import float32, float64, int64, njit, void

from hdlcore.models.kernels.network import (
    {product} as product, activate, activate_back, activate_cell, add_product, add_rows, put_day, update, update_back,
    update_keeping,
)
from hdlcore.models.kernels.numerics import (
    INF, NAN, clamp, cosine, exp, expm1, f32, log, log1p, maximum, minimum, power, sigmoid, sign, sine, softplus, tanh,
)

LANES = {lanes}
KERNEL = {{"error_model": "numpy"}}
'''


def run_source(name: str, day: Day, lanes: int) -> str:
    """Source of a module with ``run(...)``, the simulation kernel."""
    product = "cell_product" if lanes == 1 else "block_product"
    parts = [HEADER.format(name=name, product=product, lanes=lanes), *day.source(), "", "", *_driver(day.layout, lanes)]
    return "\n".join(parts) + "\n"


def network_arguments(count: int) -> tuple[str, str]:
    """Names and numba types of the tensors of `count` recurrent networks."""
    names = [
        f"{part}{i}" for i in range(count) for part in ("bias", "weight", "head", "head_bias", "last", "last_bias")
    ]
    kinds = ["float32[:, :]", "float32[:, ::1]", "float32[:, ::1]", "float32[::1]", "float32[:, ::1]", "float32[::1]"]
    return "".join(f", {n}" for n in names), "".join(f", {k}" for k in kinds * count)


def allocate(i: int, inputs: int) -> list[str]:
    """Scratch of network `i` with `inputs` rows of input."""
    return [
        f"n{i} = weight{i}.shape[SHAPE_IN] - {inputs}",
        f"z{i} = np.zeros(({inputs} + n{i}, LANES), np.float32)",
        f"z{i}f = z{i}.reshape(-1)",
        f"hidden{i} = z{i}[{inputs}:]",
        f"hidden{i}f = z{i}f[{inputs} * LANES :]",
        f"gates{i} = np.empty((4 * n{i}, LANES), np.float32)",
        f"gates{i}f = gates{i}.reshape(-1)",
        f"bias{i}f = np.empty(4 * n{i} * LANES, np.float32)",
        f"cell{i} = np.empty(n{i} * LANES, np.float32)",
        f"act{i} = np.empty((head{i}.shape[SHAPE_OUT], LANES), np.float32)",
        f"act{i}f = act{i}.reshape(-1)",
        f"raw{i} = np.empty((last{i}.shape[SHAPE_OUT], LANES), np.float32)",
    ]


def load(layout: Layout, at: str = "state") -> list[str]:
    """Read state and per-cell numbers of a block; lanes beyond the last cell repeat it."""
    rows = layout.rows()
    lines = [
        "for lane in range(LANES):",
        "    at = min(first + lane, last - 1)",
        f"    for s in range({len(layout.stores)}):",
        f"        w[({rows['stores']} + s) * LANES + lane] = {at}[at, s]",
        f"    for p in range({len(layout.constant)}):",
        f"        w[({rows['constant']} + p) * LANES + lane] = constant[p, at]",
        f"    offset = {len(layout.stores)}",
    ]
    for i in range(len(layout.networks)):
        lines += [
            f"    for j in range(n{i}):",
            f"        hidden{i}[j, lane] = {at}[at, offset + j]",
            f"        cell{i}[j * LANES + lane] = {at}[at, offset + n{i} + j]",
            f"    for j in range(4 * n{i}):",
            f"        bias{i}f[j * LANES + lane] = bias{i}[at, j]",
            f"    offset += 2 * n{i}",
        ]
    return lines


def store(layout: Layout) -> list[str]:
    """Write the state of a block back."""
    rows = layout.rows()
    lines = [
        "for lane in range(last - first):",
        f"    for s in range({len(layout.stores)}):",
        f"        state[first + lane, s] = w[({rows['stores']} + s) * LANES + lane]",
        f"    offset = {len(layout.stores)}",
    ]
    for i in range(len(layout.networks)):
        lines += [
            f"    for j in range(n{i}):",
            f"        state[first + lane, offset + j] = hidden{i}[j, lane]",
            f"        state[first + lane, offset + n{i} + j] = cell{i}[j * LANES + lane]",
            f"    offset += 2 * n{i}",
        ]
    return lines


def weather(layout: Layout) -> list[str]:
    """Read the forcing of day t."""
    return [
        "for lane in range(LANES):",
        "    at = min(first + lane, last - 1)",
        *(f"    w[{k} * LANES + lane] = forcing[t, at, {k}]" for k in range(len(layout.forcing))),
    ]


def feed(layout: Layout, i: int) -> list[str]:
    """Copy what network `i` sees into the rows of its input."""
    rows, (_, forcing, stores, _) = layout.rows(), layout.networks[i]
    sources = [rows["forcing"] + f for f in forcing] + [rows["seen"] + s for s in stores]
    lines = ["for lane in range(LANES):"]
    lines += [f"    z{i}f[{k} * LANES + lane] = w[{row} * LANES + lane]" for k, row in enumerate(sources)]
    return lines if sources else []


def step(layout: Layout, i: int, update: str, lanes: int = BLOCK_LANES) -> list[str]:
    """One day of network `i`: gates, state, head, raw parameters into the rows of the buffer."""
    before = sum(n[3] for n in layout.networks[:i])
    row, count = layout.rows()["raw"] + before, layout.networks[i][3]
    activate = f"activate(act{i}f, head_bias{i}, LANES)" if lanes > 1 else f"activate_cell(act{i}f, head_bias{i})"
    return [
        *feed(layout, i),
        f"product(weight{i}, z{i}, gates{i})",
        update,
        f"product(head{i}, hidden{i}, act{i})",
        activate,
        f"product(last{i}, act{i}, raw{i})",
        f"for r in range({count}):",
        "    for lane in range(LANES):",
        f"        w[({row} + r) * LANES + lane] = raw{i}[r, lane] + last_bias{i}[r]",
    ]


def keep_new(layout: Layout) -> list[str]:
    """Today's new stores become tomorrow's."""
    rows, n = layout.rows(), len(layout.stores)
    return [
        f"for j in range({n} * LANES):",
        f"    w[{rows['stores']} * LANES + j] = w[{rows['new']} * LANES + j]",
    ]


def indented(lines: list[str], depth: int) -> list[str]:
    """Lines moved right by `depth` levels."""
    return [f"{'    ' * depth}{line}" for line in lines]


def oriented(lines: list[str], lanes: int = BLOCK_LANES) -> list[str]:
    """Weights are (out, in) for a block and (in, out) for a single cell; say which axis is which."""
    return [line.replace("SHAPE_IN", str(int(lanes > 1))).replace("SHAPE_OUT", str(int(lanes == 1))) for line in lines]


def _driver(layout: Layout, lanes: int) -> list[str]:
    networks, rows = range(len(layout.networks)), layout.rows()
    names, kinds = network_arguments(len(layout.networks))
    inputs = [len(n[1]) + len(n[2]) for n in layout.networks]
    body = [f"w = np.zeros({rows['all']} * LANES, np.float32)"]
    for i in networks:
        body += allocate(i, inputs[i])
    block = ["last = min(first + LANES, stop)", *load(layout), "for t in range(forcing.shape[0]):"]
    days = [*weather(layout), "see(w)"]
    for i in networks:
        days += step(layout, i, f"update(gates{i}f, bias{i}f, cell{i}, hidden{i}f)", lanes)
    days += ["day(w)", *keep_new(layout), *_write(rows["outputs"])]
    block += [*indented(days, 1), *store(layout)]
    body += ["for first in range(start, stop, LANES):", *indented(block, 1)]
    signature = (
        "void(float32[:, :, :], float32[:, :], float32[:, ::1], float32[:, :, :], int64[::1], float64[:, :, :], "
        f"int64[::1], int64, int64{kinds})"
    )
    return [
        f"@njit({signature}, nogil=True, cache=CACHE, **KERNEL)",
        f"def run(forcing, state, constant, out, columns, sums, bins, start, stop{names}):",
        *indented(oriented(body, lanes), 1),
    ]


def _write(row: int) -> list[str]:
    """Daily outputs, or sums over the days of each bin, of the chosen columns."""
    return [
        "if out.shape[0] > 0:",
        "    for lane in range(last - first):",
        "        for k in range(columns.size):",
        f"            out[t, first + lane, k] = w[({row} + columns[k]) * LANES + lane]",
        "if sums.shape[0] > 0 and bins[t] >= 0:",
        "    for lane in range(last - first):",
        "        for k in range(columns.size):",
        f"            sums[bins[t], first + lane, k] += w[({row} + columns[k]) * LANES + lane]",
    ]
