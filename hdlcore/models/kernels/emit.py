"""Write a graph down as numba source: one statement an operation, for one lane of a flat buffer of rows.

All values of a block live in one flat buffer ``w`` of rows of LANES numbers; row and lane count are constants of the
source, so LLVM sees every distance and makes vector instructions of the loop over lanes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from hdlcore.models.kernels.trace import Graph, Symbol

_INFIX = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==",
    "ne": "!=", "and": "&", "or": "|",
}  # fmt: skip
_CALLS = {
    "exp": "exp", "log": "log", "log1p": "log1p", "expm1": "expm1", "sqrt": "f32(math.sqrt({}))", "tanh": "tanh",
    "sigmoid": "sigmoid", "softplus": "softplus", "sin": "sine", "cos": "cosine", "sign": "sign", "min": "minimum",
    "max": "maximum", "clamp": "clamp", "pow": "power", "abs": "abs({})", "neg": "-{}", "not": "not {}",
    "relu": "maximum({}, f32(0))",
}  # fmt: skip


def needed(graph: Graph, results: Iterable[Symbol]) -> list[int]:
    """Numbers of the operations that `results` depend on, in order."""
    wanted, waiting = set(), [symbol.index for symbol in results]
    while waiting:
        index = waiting.pop()
        if index not in wanted:
            wanted.add(index)
            operation, *arguments = graph.nodes[index]
            waiting += [] if operation in ("input", "constant") else arguments
    return sorted(wanted)


def function(
    name: str, graph: Graph, inputs: Mapping[str, int], results: Sequence[tuple[int, Symbol, bool]]
) -> list[str]:
    """Source of ``name(w)``: reads input rows, writes (or, where the flag is set, adds to) result rows, every lane."""
    lines = ["@njit(**KERNEL)", f"def {name}(w):", "    for lane in range(LANES):"]
    for index in needed(graph, [symbol for _, symbol, _ in results]):
        lines.append(f"        v{index} = {_expression(graph.nodes[index], inputs)}")
    for row, symbol, adds in results:
        lines.append(f"        w[{row} * LANES + lane] {'+=' if adds else '='} v{symbol.index}")
    return lines if len(lines) > 3 else [*lines, "        pass"]


def _expression(node: tuple, inputs: Mapping[str, int]) -> str:
    operation, *arguments = node
    if operation == "input":
        return f"w[{inputs[arguments[0]]} * LANES + lane]"
    if operation == "constant":
        return constant(arguments[0])
    values = [f"v{a}" for a in arguments]
    if operation in _INFIX:
        return f"{values[0]} {_INFIX[operation]} {values[1]}"
    if operation == "where":
        return f"{values[1]} if {values[0]} else {values[2]}"
    form = _CALLS[operation]
    return form.format(*values) if "{}" in form else f"{form}({', '.join(values)})"


def constant(value: float) -> str:
    """A float32 number as source."""
    return f"f32({value!r})" if math.isfinite(value) else {"inf": "INF", "-inf": "-INF", "nan": "NAN"}[str(value)]
