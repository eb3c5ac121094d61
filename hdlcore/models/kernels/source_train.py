"""Source of the training kernels of one kind of model: a run that keeps what its derivative needs, and the way back.

Backward goes day by day; the slopes of gates are gathered over CHUNK days, so that the slope of the weights is one
product a chunk. Where nobody asks for that slope (its arrays are empty) a third of the work is left out. Every block of
cells sums into arrays of its own, so threads do not change the result.
"""

from __future__ import annotations

from hdlcore.models.kernels.day import Day, Layout
from hdlcore.models.kernels.source_run import (
    BLOCK_LANES,
    HEADER,
    allocate,
    feed,
    indented,
    keep_new,
    load,
    network_arguments,
    oriented,
    step,
    store,
    weather,
)  # fmt: skip

CHUNK = 32
#: what the forward run keeps of each network, and the slopes that the way back gives, with their numba types
KEPT = (("gates", "float32[:, :, ::1]"), ("cells", "float32[:, :, ::1]"), ("hiddens", "float32[:, :, ::1]"),
        ("acts", "float32[:, :, ::1]"))  # fmt: skip
SLOPES = (("d_bias", "float32[:, ::1]"), ("d_weight", "float32[:, :, ::1]"), ("d_head", "float32[:, :, ::1]"),
          ("d_head_bias", "float32[:, ::1]"), ("d_last", "float32[:, :, ::1]"),
          ("d_last_bias", "float32[:, ::1]"))  # fmt: skip


def train_source(name: str, day: Day) -> str:
    """Source of a module with ``forward(...)`` and ``back(...)``."""
    head = HEADER.format(name=name, product="block_product", lanes=BLOCK_LANES)
    parts = [head + f"CHUNK = {CHUNK}\n", *day.source(), "", "", *day.adjoint_source(), "", ""]
    return "\n".join([*parts, *_forward(day.layout), "", "", *_back(day.layout)]) + "\n"


def _arguments(groups: tuple[tuple[str, str], ...], count: int, mark: str = "") -> tuple[str, str]:
    names = "".join(f", {mark}{name}{i}" for i in range(count) for name, _ in groups)
    return names, "".join(f", {kind}" for _ in range(count) for _, kind in groups)


def _forward(layout: Layout) -> list[str]:
    rows, networks = layout.rows(), range(len(layout.networks))
    names, kinds = network_arguments(len(layout.networks))
    kept_names, kept_kinds = _arguments(KEPT, len(layout.networks), "all_")
    body = [f"w = np.zeros({rows['all']} * LANES, np.float32)"]
    for i in networks:
        body += allocate(i, len(layout.networks[i][1]) + len(layout.networks[i][2]))
    block = ["last = min(first + LANES, stop)", "block = first // LANES", *load(layout)]
    for i in networks:
        block += [f"all_cells{i}[block, 0] = cell{i}", f"all_hiddens{i}[block, 0] = hidden{i}f"]
    days = [*weather(layout), "see(w)"]
    for i in networks:
        days += [
            f"gates{i}f = all_gates{i}[block, t]",
            f"gates{i} = gates{i}f.reshape(4 * n{i}, LANES)",
            f"act{i}f = all_acts{i}[block, t]",
            f"act{i} = act{i}f.reshape(head{i}.shape[0], LANES)",
            *step(
                layout, i, f"update_keeping(gates{i}f, bias{i}f, cell{i}, all_cells{i}[block, t + 1], hidden{i}f)", 16
            ),
            f"cell{i}[:] = all_cells{i}[block, t + 1]",
            f"all_hiddens{i}[block, t + 1] = hidden{i}f",
        ]
    stores, raw = rows["stores"], rows["raw"]
    days += [
        f"for j in range({len(layout.stores)} * LANES):",
        f"    kept[block, t, j] = w[{stores} * LANES + j]",
        f"for j in range({len(layout.raw)} * LANES):",
        f"    kept[block, t, {len(layout.stores)} * LANES + j] = w[{raw} * LANES + j]",
        "day(w)",
        *keep_new(layout),
        "for lane in range(last - first):",
        "    for k in range(columns.size):",
        f"        out[t, first + lane, k] = w[({rows['outputs']} + columns[k]) * LANES + lane]",
    ]
    block += ["for t in range(forcing.shape[0]):", *indented(days, 1), *store(layout)]
    body += ["for first in range(start, stop, LANES):", *indented(block, 1)]
    signature = (
        "void(float32[:, :, :], float32[:, :], float32[:, ::1], float32[:, :, :], int64[::1], float32[:, :, ::1], "
        f"int64, int64{kinds}{kept_kinds})"
    )
    return [
        f"@njit({signature}, nogil=True, cache=CACHE, **KERNEL)",
        f"def forward(forcing, state, constant, out, columns, kept, start, stop{names}{kept_names}):",
        *indented(oriented(body), 1),
    ]


def _back(layout: Layout) -> list[str]:
    rows, networks = layout.rows(), range(len(layout.networks))
    names, kinds = network_arguments(len(layout.networks))
    kept_names, kept_kinds = _arguments(KEPT, len(layout.networks), "all_")
    slope_names, slope_kinds = _arguments(SLOPES, len(layout.networks), "all_")
    body = [f"w = np.zeros({rows['all']} * LANES, np.float32)", "n_days = forcing.shape[0]"]
    body += ["learns = all_d_weight0.shape[0] > 0"] if layout.networks else []
    for i in networks:
        body += _scratch(layout, i)
    block = ["last = min(first + LANES, stop)", "block = first // LANES", *_start(layout)]
    chunk = ["width = min(CHUNK, end)", *(f"wide_gates{i}[:] = 0" for i in networks)]
    chunk += [f"wide_{name}{i}[:] = 0" for i in networks for name in ("act", "raw")]
    chunk += ["for t in range(end - 1, end - width - 1, -1):", *indented(_day_back(layout), 1)]
    for i in networks:
        chunk += [
            "if learns:",
            f"    add_product(all_d_weight{i}[block], wide_gates{i}, wide_z{i}, scratch_weight{i})",
            f"    add_product(all_d_head{i}[block], wide_act{i}, wide_hidden{i}, scratch_head{i})",
            f"    add_product(all_d_last{i}[block], wide_raw{i}, wide_acted{i}, scratch_last{i})",
            f"    add_rows(all_d_head_bias{i}[block], wide_act{i})",
            f"    add_rows(all_d_last_bias{i}[block], wide_raw{i})",
        ]
    block += ["for end in range(n_days, 0, -CHUNK):", *indented(chunk, 1), *_finish(layout)]
    body += ["for first in range(start, stop, LANES):", *indented(block, 1)]
    signature = (
        "void(float32[:, :, :], float32[:, ::1], float32[:, :, ::1], int64[::1], float32[:, :, ::1], "
        "float32[:, ::1], float32[:, ::1], float32[:, :, ::1], int64, int64"
        f"{kinds}{kept_kinds}{slope_kinds})"
    )
    return [
        f"@njit({signature}, nogil=True, cache=CACHE, **KERNEL)",
        "def back(forcing, constant, d_out, columns, kept, d_state, d_constant, d_forcing, start, stop"
        f"{names}{kept_names}{slope_names}):",
        *indented(oriented(body), 1),
    ]


def _scratch(layout: Layout, i: int) -> list[str]:
    inputs, raws = len(layout.networks[i][1]) + len(layout.networks[i][2]), layout.networks[i][3]
    first = layout.rows()["d_raw"] + sum(n[3] for n in layout.networks[:i])
    return [
        f"n{i} = weight{i}.shape[1] - {inputs}",
        f"heads{i} = head{i}.shape[0]",
        f"weight{i}t = np.ascontiguousarray(weight{i}.T)",
        f"head{i}t = np.ascontiguousarray(head{i}.T)",
        f"last{i}t = np.ascontiguousarray(last{i}.T)",
        f"d_gates{i} = np.empty((4 * n{i}, LANES), np.float32)",
        f"d_gates{i}f = d_gates{i}.reshape(-1)",
        f"d_bias{i} = np.empty(4 * n{i} * LANES, np.float32)",
        f"d_z{i} = np.empty(({inputs} + n{i}, LANES), np.float32)",
        f"d_z{i}f = d_z{i}.reshape(-1)",
        f"d_hidden{i} = np.empty(n{i} * LANES, np.float32)",
        f"d_cell{i} = np.empty(n{i} * LANES, np.float32)",
        f"d_act{i} = np.empty((heads{i}, LANES), np.float32)",
        f"d_act{i}f = d_act{i}.reshape(-1)",
        f"from_head{i} = np.empty((n{i}, LANES), np.float32)",
        f"from_head{i}f = from_head{i}.reshape(-1)",
        f"d_raw{i}f = w[{first} * LANES : {first + raws} * LANES]",
        f"d_raw{i} = d_raw{i}f.reshape({raws}, LANES)",
        f"wide_gates{i} = np.zeros((4 * n{i}, CHUNK * LANES), np.float32)",
        f"wide_z{i} = np.zeros(({inputs} + n{i}, CHUNK * LANES), np.float32)",
        f"wide_act{i} = np.zeros((heads{i}, CHUNK * LANES), np.float32)",
        f"wide_acted{i} = np.zeros((heads{i}, CHUNK * LANES), np.float32)",
        f"wide_hidden{i} = np.zeros((n{i}, CHUNK * LANES), np.float32)",
        f"wide_raw{i} = np.zeros(({raws}, CHUNK * LANES), np.float32)",
        f"scratch_weight{i} = np.empty((4 * n{i}, {inputs} + n{i}), np.float32)",
        f"scratch_head{i} = np.empty((heads{i}, n{i}), np.float32)",
        f"scratch_last{i} = np.empty(({raws}, heads{i}), np.float32)",
        f"zf{i} = np.empty(({inputs} + n{i}) * LANES, np.float32)",
    ]


def _start(layout: Layout) -> list[str]:
    """Slopes of the last state; lanes beyond the last cell carry zeros and so add nothing anywhere."""
    rows, n = layout.rows(), len(layout.stores)
    lines = [
        f"w[{rows['d_outputs']} * LANES :] = 0",
        "for lane in range(LANES):",
        "    at = min(first + lane, last - 1)",
        "    live = f32(1) if first + lane < last else f32(0)",
        f"    for p in range({len(layout.constant)}):",
        f"        w[({rows['constant']} + p) * LANES + lane] = constant[p, at]",
        f"    for s in range({n}):",
        f"        w[({rows['d_stores']} + s) * LANES + lane] = d_state[at, s] * live",
        f"    offset = {n}",
    ]
    for i in range(len(layout.networks)):
        lines += [
            f"    for j in range(n{i}):",
            f"        d_hidden{i}[j * LANES + lane] = d_state[at, offset + j] * live",
            f"        d_cell{i}[j * LANES + lane] = d_state[at, offset + n{i} + j] * live",
            f"    offset += 2 * n{i}",
        ]
    return lines + [f"d_bias{i}[:] = 0" for i in range(len(layout.networks))]


def _day_back(layout: Layout) -> list[str]:
    rows, n = layout.rows(), len(layout.stores)
    lines = [
        *weather(layout),
        f"for j in range({n} * LANES):",
        f"    w[{rows['stores']} * LANES + j] = kept[block, t, j]",
        f"    w[{rows['d_new']} * LANES + j] = w[{rows['d_stores']} * LANES + j]",
        f"    w[{rows['d_seen']} * LANES + j] = f32(0)",
        f"for j in range({len(layout.raw)} * LANES):",
        f"    w[{rows['raw']} * LANES + j] = kept[block, t, {n} * LANES + j]",
        f"for j in range({len(layout.outputs)} * LANES):",
        f"    w[{rows['d_outputs']} * LANES + j] = f32(0)",
        "for lane in range(last - first):",
        "    for k in range(columns.size):",
        f"        w[({rows['d_outputs']} + columns[k]) * LANES + lane] += d_out[t, first + lane, k]",
        "see(w)",
        "day_back(w)",
        "at_day = t - (end - width)",
    ]
    for i in range(len(layout.networks)):
        lines += _network_back(layout, i)
    lines += [
        "see_back(w)",
        "if d_forcing.shape[0] > 0:",
        "    for lane in range(last - first):",
        f"        for k in range({len(layout.forcing)}):",
        f"            d_forcing[t, first + lane, k] = w[({rows['d_forcing']} + k) * LANES + lane]",
    ]
    return lines


def _network_back(layout: Layout, i: int) -> list[str]:
    rows, (_, forcing, stores, _) = layout.rows(), layout.networks[i]
    inputs = len(forcing) + len(stores)
    targets = [rows["d_forcing"] + f for f in forcing] + [rows["d_seen"] + s for s in stores]
    lines = [
        f"acted{i} = all_acts{i}[block, t]",
        f"product(last{i}t, d_raw{i}, d_act{i})",
        f"activate_back(acted{i}, d_act{i}f)",
        f"product(head{i}t, d_act{i}, from_head{i})",
        f"for j in range(n{i} * LANES):",
        f"    d_hidden{i}[j] += from_head{i}f[j]",
        f"update_back(all_gates{i}[block, t], all_cells{i}[block, t + 1], all_cells{i}[block, t], d_hidden{i}, "
        f"d_cell{i}, d_gates{i}f)",
        f"product(weight{i}t, d_gates{i}, d_z{i})",
        f"for j in range(n{i} * LANES):",
        f"    d_hidden{i}[j] = d_z{i}f[{inputs} * LANES + j]",
        "for lane in range(LANES):",
        *(f"    w[{row} * LANES + lane] += d_z{i}f[{k} * LANES + lane]" for k, row in enumerate(targets)),
    ]
    of_weights = [
        f"for j in range(4 * n{i} * LANES):",
        f"    d_bias{i}[j] += d_gates{i}f[j]",
        *(line.replace(f"z{i}f[", f"zf{i}[") for line in feed(layout, i)),
        f"zf{i}[{inputs} * LANES :] = all_hiddens{i}[block, t]",
        f"put_day(wide_gates{i}, at_day, LANES, d_gates{i}f)",
        f"put_day(wide_z{i}, at_day, LANES, zf{i})",
        f"put_day(wide_act{i}, at_day, LANES, d_act{i}f)",
        f"put_day(wide_acted{i}, at_day, LANES, acted{i})",
        f"put_day(wide_hidden{i}, at_day, LANES, all_hiddens{i}[block, t + 1])",
        f"put_day(wide_raw{i}, at_day, LANES, d_raw{i}f)",
    ]
    return [*lines, "if learns:", *indented(of_weights, 1)]


def _finish(layout: Layout) -> list[str]:
    """Slopes of the first state, of the parameters that do not change, and of the gates' bias, per cell."""
    rows, n = layout.rows(), len(layout.stores)
    lines = [
        "for lane in range(last - first):",
        f"    for p in range({len(layout.constant)}):",
        f"        d_constant[p, first + lane] = w[({rows['d_constant']} + p) * LANES + lane]",
        f"    for s in range({n}):",
        f"        d_state[first + lane, s] = w[({rows['d_stores']} + s) * LANES + lane]",
        f"    offset = {n}",
    ]
    for i in range(len(layout.networks)):
        lines += [
            f"    for j in range(n{i}):",
            f"        d_state[first + lane, offset + j] = d_hidden{i}[j * LANES + lane]",
            f"        d_state[first + lane, offset + n{i} + j] = d_cell{i}[j * LANES + lane]",
            "    if learns:",
            f"        for j in range(4 * n{i}):",
            f"            all_d_bias{i}[first + lane, j] = d_bias{i}[j * LANES + lane]",
            f"    offset += 2 * n{i}",
        ]
    return lines
