"""Trace a model's physics once, with symbols instead of numbers, into a small graph of elementary operations.

The physics is written once, for torch; here it is *run* on symbols that answer to arithmetic, comparisons, torch and
numpy functions (so `hdlcore.physics.ops` needs no change) and write down what is done to them. What cannot be written
down (a branch on a value, a sum over cells, an unknown function) raises `Untraceable`: such a model runs plain.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch


class Untraceable(Exception):
    """The physics does something that has no place in a graph of elementary operations."""


class Graph:
    """Elementary operations in the order they were written down; equal operations are kept once.

    A node is ``(operation, argument, ...)``; arguments are numbers of earlier nodes, except for ``("input", name)``
    and ``("constant", value)``.
    """

    def __init__(self) -> None:
        self.nodes: list[tuple] = []
        self._known: dict[tuple, int] = {}

    def add(self, *node: Any) -> Symbol:
        """Write an operation down (or find it) and return its symbol."""
        # repr tells 0.0 from -0.0, which are equal as keys
        key = (*node[:1], repr(node[1])) if node[0] == "constant" else node
        if key not in self._known:
            self._known[key] = len(self.nodes)
            self.nodes.append(node)
        return Symbol(self, self._known[key])

    def input(self, name: str) -> Symbol:
        """A value given from outside."""
        return self.add("input", name)

    def constant(self, value: Any) -> Symbol:
        """A number known when the physics was written."""
        if isinstance(value, torch.Tensor | np.ndarray) and math.prod(value.shape) != 1:
            raise Untraceable("it uses an array of numbers where one number per cell is expected")
        return self.add("constant", float(value))


def _numbers(value: Any) -> bool:
    return isinstance(value, int | float | np.number | np.ndarray | torch.Tensor)


class Symbol:
    """One value of one cell on one day; what is done to it is written into its graph."""

    def __init__(self, graph: Graph, index: int) -> None:
        self.graph, self.index = graph, index

    @property
    def node(self) -> tuple:
        """The operation that makes this value."""
        return self.graph.nodes[self.index]

    def do(self, operation: str, *others: Any) -> Symbol:
        """Write down `operation` on this value and others."""
        return self.graph.add(operation, self.index, *(self._lift(other).index for other in others))

    def _lift(self, value: Any) -> Symbol:
        if isinstance(value, Symbol):
            return value
        if not _numbers(value):
            raise Untraceable(f"it mixes daily values with a {type(value).__name__}")
        return self.graph.constant(value)

    def _from_left(self, operation: str, left: Any) -> Symbol:
        return self._lift(left).do(operation, self)

    # -- arithmetic and comparison --------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Symbol:
        return self.do("add", other)

    def __radd__(self, other: Any) -> Symbol:
        return self._from_left("add", other)

    def __sub__(self, other: Any) -> Symbol:
        return self.do("sub", other)

    def __rsub__(self, other: Any) -> Symbol:
        return self._from_left("sub", other)

    def __mul__(self, other: Any) -> Symbol:
        return self.do("mul", other)

    def __rmul__(self, other: Any) -> Symbol:
        return self._from_left("mul", other)

    def __truediv__(self, other: Any) -> Symbol:
        return self.do("div", other)

    def __rtruediv__(self, other: Any) -> Symbol:
        return self._from_left("div", other)

    def __pow__(self, other: Any) -> Symbol:
        return self.do("mul", self) if isinstance(other, int | float) and other == 2 else self.do("pow", other)

    def __rpow__(self, other: Any) -> Symbol:
        return self._from_left("pow", other)

    def __neg__(self) -> Symbol:
        return self.do("neg")

    def __pos__(self) -> Symbol:
        return self

    def __abs__(self) -> Symbol:
        return self.do("abs")

    def __lt__(self, other: Any) -> Symbol:
        return self.do("lt", other)

    def __le__(self, other: Any) -> Symbol:
        return self.do("le", other)

    def __gt__(self, other: Any) -> Symbol:
        return self.do("gt", other)

    def __ge__(self, other: Any) -> Symbol:
        return self.do("ge", other)

    def __eq__(self, other: object) -> Symbol:  # type: ignore[override]
        return self.do("eq", other)

    def __ne__(self, other: object) -> Symbol:  # type: ignore[override]
        return self.do("ne", other)

    def __and__(self, other: Any) -> Symbol:
        return self.do("and", self._truth(other))

    def __or__(self, other: Any) -> Symbol:
        return self.do("or", self._truth(other))

    def __invert__(self) -> Symbol:
        return self._truth(self).do("not")

    def _truth(self, other: Any) -> Symbol:
        if not (is_truth(self) and isinstance(other, Symbol) and is_truth(other)):
            raise Untraceable("it uses &, | or ~ on something that is not a comparison")
        return other

    __hash__ = None  # type: ignore[assignment]

    # -- functions ------------------------------------------------------------------------------------------------

    def clamp(self, min: Any = None, max: Any = None) -> Symbol:
        """`torch.clamp`: between two bounds; on a bound the slope is 1."""
        for bound in (min, max):
            if isinstance(bound, Symbol | torch.Tensor):  # torch has another rule for ties there
                raise Untraceable("it clamps to a bound that is itself a daily value; use minimum or maximum")
        low = float("-inf") if min is None else min
        return self.do("clamp", low, float("inf") if max is None else max)

    clip = clamp

    def __getattr__(self, name: str) -> Any:
        if name in UNARY and not name.startswith("_"):
            return lambda: _unary(self, UNARY[name])
        if name.startswith("__"):
            raise AttributeError(name)
        raise Untraceable(f"it uses '.{name}' of a daily value")

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Symbol:
        return _call(getattr(function, "__name__", str(function)), args, kwargs or {}, "torch")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Symbol:
        if method != "__call__":
            raise Untraceable(f"it uses numpy.{ufunc.__name__}.{method}")
        return _call(ufunc.__name__, args, kwargs, "numpy")

    def __array_function__(self, function: Any, types: Any, args: tuple, kwargs: dict) -> Symbol:
        return _call(function.__name__, args, kwargs, "numpy")

    # -- what would need a number ---------------------------------------------------------------------------------

    def _needs_number(self, *_: Any) -> Any:
        raise Untraceable("it branches or loops on a daily value; use where, minimum or maximum")

    __bool__ = __float__ = __int__ = __index__ = __len__ = __iter__ = __getitem__ = _needs_number


def is_truth(symbol: Symbol) -> bool:
    """Whether a symbol is a comparison, not a number."""
    return symbol.node[0] in {"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"}


#: functions of one value, by their names in torch and numpy
UNARY: dict[str, str] = {
    name: name
    for name in ("exp", "log", "log1p", "expm1", "sqrt", "tanh", "sigmoid", "abs", "relu", "sin", "cos", "sign")
} | {"absolute": "abs", "negative": "neg", "neg": "neg", "square": "square", "reciprocal": "reciprocal"}
BINARY: dict[str, Callable[[Any, Any], Symbol]] = {
    "add": operator.add,
    "sub": operator.sub,
    "subtract": operator.sub,
    "rsub": lambda a, b: b - a,
    "mul": operator.mul,
    "multiply": operator.mul,
    "div": operator.truediv,
    "divide": operator.truediv,
    "true_divide": operator.truediv,
    "pow": operator.pow,
    "power": operator.pow,
    "__rpow__": lambda a, b: b**a,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "eq": operator.eq,
    "ne": operator.ne,
    "less": operator.lt,
    "greater": operator.gt,
    "logical_and": operator.and_,
    "logical_or": operator.or_,
}


def _call(name: str, args: tuple, kwargs: dict, package: str) -> Symbol:
    """One call of a torch or numpy function on symbols."""
    symbols = [a for a in args if isinstance(a, Symbol)]
    if not symbols:
        raise Untraceable(f"it uses {package}.{name} in a way that is not known here")
    one = symbols[0]
    if name in {"clamp", "clip", "clamp_min", "clamp_max"}:
        return _clamp(name, args, kwargs)
    if name == "softplus":
        return _softplus(*args, **kwargs)
    if kwargs:
        raise Untraceable(f"it uses {package}.{name} with {', '.join(kwargs)}")
    if name in UNARY and len(args) == 1:
        return _unary(one, UNARY[name])
    if name in {"minimum", "maximum", "fmin", "fmax", "min", "max"} and len(args) == 2:
        return _extreme("min" if "min" in name else "max", *args)
    if name == "where" and len(args) == 3:
        return _where(*args)
    if name in {"zeros_like", "ones_like"}:
        return one.graph.constant(float(name == "ones_like"))
    if name in BINARY and len(args) == 2:
        return BINARY[name](*(one._lift(a) for a in args))
    raise Untraceable(f"it uses {package}.{name}, which is not known here")


def _unary(symbol: Symbol, operation: str) -> Symbol:
    if operation == "square":
        return symbol * symbol
    return 1.0 / symbol if operation == "reciprocal" else symbol.do(operation)


def _clamp(name: str, args: tuple, kwargs: dict) -> Symbol:
    first, *bounds = args
    if not isinstance(first, Symbol):
        raise Untraceable("it clamps a number to daily values; use minimum or maximum")
    if name == "clamp_min":
        return first.clamp(min=bounds[0])
    return first.clamp(max=bounds[0]) if name == "clamp_max" else first.clamp(*bounds, **kwargs)


def _softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Symbol:
    if beta != 1 or threshold != 20:
        raise Untraceable("it uses softplus with a beta or threshold of its own")
    if not isinstance(x, Symbol):
        raise Untraceable("it uses softplus in a way that is not known here")
    return x.do("softplus")


def _extreme(operation: str, a: Any, b: Any) -> Symbol:
    """Smaller or larger of two; against a plain number it is a clamp, whose slope on the bound is 1."""
    if isinstance(a, Symbol) and isinstance(b, Symbol | torch.Tensor):
        return a.do(operation, b)
    if isinstance(a, torch.Tensor):
        return b._from_left(operation, a)  # type: ignore[no-any-return]
    symbol, bound = (a, b) if isinstance(a, Symbol) else (b, a)
    return symbol.clamp(max=bound) if operation == "min" else symbol.clamp(min=bound)  # type: ignore[no-any-return]


def _where(condition: Any, a: Any, b: Any) -> Symbol:
    if not (isinstance(condition, Symbol) and is_truth(condition)):
        raise Untraceable("it uses where on something that is not a comparison of daily values")
    a, b = condition._lift(a), condition._lift(b)
    return condition.do("where", a, b)
