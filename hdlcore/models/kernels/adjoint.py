"""Reverse-mode derivative of a traced graph, written down as more of the same graph.

The rules are those of torch, also where a function has no derivative: `minimum` and `maximum` of two values share
the slope evenly at a tie, a clamp keeps it on its bounds, `relu` and `abs` have none at zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hdlcore.models.kernels.trace import Graph, Symbol, Untraceable

Slopes = tuple[Symbol | None, ...]


def pull_back(graph: Graph, outputs: Sequence[Symbol], seeds: Sequence[Symbol], inputs: Sequence[Symbol]) -> Slopes:
    """Slope of ``sum(seed * output)`` with respect to each of `inputs`; None where nothing depends on it."""
    slope: dict[int, Symbol] = {}

    def add(index: int, value: Symbol) -> None:
        slope[index] = slope[index] + value if index in slope else value

    for output, seed in zip(outputs, seeds, strict=True):
        add(output.index, seed)
    for index in range(max((o.index for o in outputs), default=-1), -1, -1):
        if index not in slope or graph.nodes[index][0] in ("input", "constant"):
            continue
        operation, *arguments = graph.nodes[index]
        result, symbols = Symbol(graph, index), [Symbol(graph, a) for a in arguments]
        for symbol, part in zip(symbols, _rule(operation)(slope[index], result, *symbols), strict=True):
            if part is not None and symbol.node[0] != "constant":
                add(symbol.index, part)
    return tuple(slope.get(symbol.index) for symbol in inputs)


def _zero(g: Symbol) -> Symbol:
    return g.graph.constant(0.0)


def _where(condition: Symbol, a: Symbol, b: Symbol) -> Symbol:
    return condition.do("where", a, b)


def _extreme(g: Symbol, a: Symbol, b: Symbol, a_wins: Symbol) -> Slopes:
    shared = a == b
    left = _where(shared, g * 0.5, _where(a_wins, g, _zero(g)))
    return left, _where(shared, g * 0.5, _where(a_wins, _zero(g), g))


def _clamp(g: Symbol, _: Symbol, x: Symbol, low: Symbol, high: Symbol) -> Slopes:
    return _where((x >= low) & (x <= high), g, _zero(g)), None, None


def _power(g: Symbol, r: Symbol, a: Symbol, b: Symbol) -> Slopes:
    left = g * b * a.do("pow", b - 1.0)
    nothing = _where((b == 0.0) | ((a == 0.0) & (b >= 0.0)), _zero(g), g * r * a.do("log"))
    return _where(b == 0.0, _zero(g), left), None if b.node[0] == "constant" else nothing


def _no_slope(_: Symbol, __: Symbol, *arguments: Symbol) -> Slopes:
    return (None,) * len(arguments)


Rule = Callable[..., Slopes]
_FLAT = ("sign", "lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not")
RULES: dict[str, Rule] = {
    **dict.fromkeys(_FLAT, _no_slope),
    "add": lambda g, _, a, b: (g, g),
    "sub": lambda g, _, a, b: (g, -g),
    "mul": lambda g, _, a, b: (g * b, g * a),
    "div": lambda g, r, a, b: (g / b, -g * (r / b)),
    "neg": lambda g, _, a: (-g,),
    "abs": lambda g, _, a: (g * a.do("sign"),),
    "exp": lambda g, r, a: (g * r,),
    "expm1": lambda g, r, a: (g * (r + 1.0),),
    "log": lambda g, _, a: (g / a,),
    "log1p": lambda g, _, a: (g / (a + 1.0),),
    "sqrt": lambda g, r, a: (g / (r * 2.0),),
    "tanh": lambda g, r, a: (g * (1.0 - r * r),),
    "sigmoid": lambda g, r, a: (g * (r * (1.0 - r)),),
    "softplus": lambda g, _, a: (g * a.do("sigmoid"),),
    "sin": lambda g, _, a: (g * a.do("cos"),),
    "cos": lambda g, _, a: (-g * a.do("sin"),),
    "relu": lambda g, _, a: (_where(a > 0.0, g, _zero(g)),),
    "min": lambda g, _, a, b: _extreme(g, a, b, a < b),
    "max": lambda g, _, a, b: _extreme(g, a, b, a > b),
    "clamp": _clamp,
    "pow": _power,
    "where": lambda g, _, c, a, b: (None, _where(c, g, _zero(g)), _where(c, _zero(g), g)),
}


def _rule(operation: str) -> Rule:
    if operation not in RULES:
        raise Untraceable(f"its '{operation}' has no derivative here")
    return RULES[operation]
