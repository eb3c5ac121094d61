"""Elementary functions in float32 that LLVM turns into vector instructions, within a few units in the last place.

No fastmath: sums keep their order and NaN stays NaN. Products and sums are fused only where `fma` says so, so a number
does not depend on whether it was computed in a vector, in a loop's rest, or alone.
"""

# The types of compiled functions are those of the kernels' signatures; numba, not mypy, checks them.
# mypy: allow-untyped-defs, disable-error-code="call-arg,var-annotated,no-untyped-call"

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic

#: how every function of the kernels is compiled: division like numpy's (a test for zero would hinder vectors)
FLAGS: dict[str, Any] = {"error_model": "numpy", "forceinline": True}
_INT, _FLOAT = ir.IntType(32), ir.FloatType()
f32 = np.float32


@intrinsic
def fma(_: Any, a: Any, b: Any, c: Any) -> Any:
    """``a * b + c``, rounded once."""
    return types.float32(types.float32, types.float32, types.float32), lambda _c, build, _s, args: build.fma(*args)


@intrinsic
def _times_power(_: Any, y: Any, shifted: Any) -> Any:
    """``y * 2**n`` where ``shifted = 1.5 * 2**23 + n`` holds the whole number n in its last bits."""

    def generate(_c: Any, build: Any, _s: Any, args: Any) -> Any:
        n = build.sub(build.bitcast(args[1], _INT), ir.Constant(_INT, 0x4B400000 - 127))
        return build.fmul(args[0], build.bitcast(build.shl(n, ir.Constant(_INT, 23)), _FLOAT))

    return types.float32(types.float32, types.float32), generate


@intrinsic
def _exponent(_: Any, x: Any) -> Any:
    """Whole number n with x = m * 2**n, m in [0.5, 1), as a float; x positive and normal."""

    def generate(_c: Any, build: Any, _s: Any, args: Any) -> Any:
        bits = build.lshr(build.bitcast(args[0], _INT), ir.Constant(_INT, 23))
        return build.sitofp(build.sub(bits, ir.Constant(_INT, 126)), _FLOAT)

    return types.float32(types.float32), generate


@intrinsic
def _mantissa(_: Any, x: Any) -> Any:
    """m in [0.5, 1) with x = m * 2**n; x positive and normal."""

    def generate(_c: Any, build: Any, _s: Any, args: Any) -> Any:
        bits = build.and_(build.bitcast(args[0], _INT), ir.Constant(_INT, 0x007FFFFF))
        return build.bitcast(build.or_(bits, ir.Constant(_INT, 0x3F000000)), _FLOAT)

    return types.float32(types.float32), generate


ZERO, HALF, ONE, INF, NAN = f32(0), f32(0.5), f32(1), f32(math.inf), f32(math.nan)
_LOG2E, _ROUND = f32(1.44269504088896341), f32(12582912.0)
_LN2_HIGH, _LN2_LOW = f32(-0.693359375), f32(2.12194440e-4)
_EXP_MAX, _EXP_MIN = f32(88.02), f32(-87.33)
_E0, _E1, _E2, _E3, _E4, _E5 = (
    f32(v) for v in (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5)
)


@njit(**FLAGS)
def exp(x):
    """Exponential function (Cephes expf)."""
    shifted = fma(x, _LOG2E, _ROUND)
    n = shifted - _ROUND
    r = fma(n, _LN2_LOW, fma(n, _LN2_HIGH, x))
    p = fma(fma(fma(fma(fma(_E0, r, _E1), r, _E2), r, _E3), r, _E4), r, _E5)
    y = _times_power(fma(p, r * r, r + ONE), shifted)
    return INF if x > _EXP_MAX else (ZERO if x < _EXP_MIN else y)


_SQRT_HALF = f32(0.707106781186547524)
_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8 = (
    f32(v)
    for v in (
        7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
        -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    )
)  # fmt: skip


@njit(**FLAGS)
def log(x):
    """Natural logarithm (Cephes logf); -inf at zero, NaN below."""
    n, m = _exponent(x), _mantissa(x)
    low = m < _SQRT_HALF
    n = n - (ONE if low else ZERO)
    r = (m + m if low else m) - ONE
    z = r * r
    p = fma(fma(fma(fma(_L0, r, _L1), r, _L2), r, _L3), r, _L4)
    p = fma(fma(fma(fma(p, r, _L5), r, _L6), r, _L7), r, _L8) * r * z
    y = fma(n, _LN2_HIGH * f32(-1), r + fma(f32(-0.5), z, fma(n, -_LN2_LOW, p)))
    y = INF if x == INF else y
    return (y if x > ZERO else (-INF if x == ZERO else NAN)) if x == x else x


@njit(**FLAGS)
def log1p(x):
    """``log(1 + x)``, exact for small x as well (Kahan)."""
    u = ONE + x
    d = u - ONE
    return x if (d == ZERO) | (x == INF) else log(u) * (x / d)


_A0, _A1, _A2, _A3, _A4, _A5, _A6 = (
    f32(v)
    for v in (
        4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05, 5.12229709037114e-08,
        -8.60467152213735e-11, 2.00018790482477e-13, -2.76076847742355e-16,
    )
)  # fmt: skip
_B0, _B1, _B2, _B3 = (
    f32(v) for v in (4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06)
)
_TANH_MAX = f32(7.90531110763549805)


@njit(**FLAGS)
def tanh(x):
    """Hyperbolic tangent as a ratio of polynomials (that of the Eigen library), relative error 2.4e-7."""
    x = -_TANH_MAX if x < -_TANH_MAX else (_TANH_MAX if x > _TANH_MAX else x)
    y = x * x
    p = fma(fma(fma(fma(fma(fma(y, _A6, _A5), y, _A4), y, _A3), y, _A2), y, _A1), y, _A0) * x
    q = fma(fma(fma(y, _B3, _B2), y, _B1), y, _B0)
    return p / q


@njit(**FLAGS)
def gate(x):
    """Sigmoid with an absolute error of 1e-7: for gates, not for parameters near zero."""
    return fma(tanh(HALF * x), HALF, HALF)


@njit(**FLAGS)
def sigmoid(x):
    """Sigmoid with a small relative error everywhere."""
    return ONE / (ONE + exp(-x))


@njit(**FLAGS)
def softplus(x):
    """``log(1 + exp(x))``, x itself above 20 as in torch."""
    return x if x > f32(20) else log1p(exp(x))


@njit(**FLAGS)
def minimum(a, b):
    """Smaller of two; NaN when either is."""
    return a if (a < b) | (a != a) else b


@njit(**FLAGS)
def maximum(a, b):
    """Larger of two; NaN when either is."""
    return a if (a > b) | (a != a) else b


@njit(**FLAGS)
def clamp(x, low, high):
    """Between two bounds; NaN stays NaN."""
    return low if x < low else (high if x > high else x)


@njit(**FLAGS)
def sign(x):
    """-1, 0 or 1."""
    return ONE if x > ZERO else (-ONE if x < ZERO else ZERO)


@njit(**FLAGS)
def power(a, b):
    """a**b, as the C library has it: exact at the odd places, not a vector instruction."""
    return f32(math.pow(a, b))


@njit(**FLAGS)
def expm1(x):
    """``exp(x) - 1``."""
    return f32(math.expm1(x))


@njit(**FLAGS)
def sine(x):
    """Sine."""
    return f32(math.sin(x))


@njit(**FLAGS)
def cosine(x):
    """Cosine."""
    return f32(math.cos(x))
