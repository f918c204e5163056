"""Scalar mathematics that vectorises: branch-free, without libm, NaN kept, the same bits in any lane.

Kernels never carry a fastmath flag: `contract` alone makes a member's bits depend on the block it is
in, and `reassoc` with `nsz` deletes tests for NaN. What contraction would gain is written out as
`fma` instead. Accuracy, in units in the last place of float64: exp 1, expm1 3, log 2, tanh 4, sin and
cos 2 (up to 1e5 rad), pow 2 + 1.5 |b log a|; of float32 the same within 3. Subnormal arguments of log
are not handled.
"""

# pyright: basic
# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call,misc"

import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

_LANE = {"error_model": "numpy", "forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

INF = math.inf
INF32 = np.float32(math.inf)
NAN32 = np.float32(math.nan)

# 2**k as a float: adding this constant leaves k + bias in the low mantissa bits, without a float -> int
# conversion, so that a NaN stays a NaN.
_SHIFT = 1.5 * 2.0**52 + 1023.0
_SHIFT32 = np.float32(1.5 * 2.0**23 + 127.0)
_LOG2E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_TWO_OVER_PI = 0.6366197723675814
_PI2_A, _PI2_B, _PI2_C = 1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33
_F = [1.0 / math.factorial(k) for k in range(20)]
_E2, _E3, _E4, _E5, _E6, _E7, _E8, _E9, _E10, _E11, _E12, _E13 = _F[2:14]
_S3, _S5, _S7, _S9, _S11, _S13, _S15 = (-_F[3], _F[5], -_F[7], _F[9], -_F[11], _F[13], -_F[15])
_C4, _C6, _C8, _C10, _C12, _C14, _C16 = (_F[4], -_F[6], _F[8], -_F[10], _F[12], -_F[14], _F[16])


@intrinsic
def fma(context, a, b, c):
    """Return ``a * b + c``, rounded once."""

    def generate(context, builder, signature, args):
        return builder.fma(*args)

    return a(a, a, a), generate


def _cast(source, target, width):
    kind = {"f64": ir.DoubleType(), "i64": ir.IntType(64), "f32": ir.FloatType(), "i32": ir.IntType(32)}[width]
    return target(source), lambda context, builder, signature, args: builder.bitcast(args[0], kind)


@intrinsic
def _bits(context, x):
    return _cast(types.float64, types.int64, "i64")


@intrinsic
def _unbits(context, k):
    return _cast(types.int64, types.float64, "f64")


@intrinsic
def _bits32(context, x):
    return _cast(types.float32, types.int32, "i32")


@intrinsic
def _unbits32(context, k):
    return _cast(types.int32, types.float32, "f32")


@njit(**_LANE)
def _exp_parts(x):
    """Return 2**k and p with exp(x) = 2**k (1 + p)."""
    k = np.floor(fma(x, _LOG2E, 0.5))
    r = fma(-k, _LN2_LOW, fma(-k, _LN2_HIGH, x))
    # Estrin's scheme: a third less latency than Horner's where one member runs alone, and no less exact.
    r2 = r * r
    low = fma(r2, fma(r, _E5, _E4), fma(r, _E3, _E2))
    middle = fma(r2, fma(r, _E9, _E8), fma(r, _E7, _E6))
    high = fma(r2, fma(r, _E13, _E12), fma(r, _E11, _E10))
    r4 = r2 * r2
    q = fma(r4, fma(r4, high, middle), low)
    return _unbits(_bits(k + _SHIFT) << 52), fma(r2, q, r)


@njit(**_LANE)
def exp(x):
    """Return e**x."""
    clamped = 709.0 if x > 709.0 else (-708.0 if x < -708.0 else x)
    scale, p = _exp_parts(clamped)
    y = fma(scale, p, scale)
    return INF if x > 709.0 else (0.0 if x < -708.0 else y)


@njit(**_LANE)
def expm1(x):
    """Return e**x - 1, accurate near zero."""
    clamped = 709.0 if x > 709.0 else (-50.0 if x < -50.0 else x)
    scale, p = _exp_parts(clamped)
    return fma(scale, p, scale - 1.0)


@njit(**_LANE)
def tanh(x):
    """Return the hyperbolic tangent, accurate near zero."""
    clamped = 20.0 if x > 20.0 else (-20.0 if x < -20.0 else x)
    scale, p = _exp_parts(2.0 * clamped)
    em1 = fma(scale, p, scale - 1.0)
    return em1 / (em1 + 2.0)


@njit(**_LANE)
def log(x):
    """Return the natural logarithm; NaN below zero, -inf at zero."""
    b = _bits(x)
    k = (b - 0x3FE6A09E667F3BCD) >> 52  # exponent; the mantissa then lies in [sqrt(1/2), sqrt(2))
    m = _unbits(b - (k << 52))
    kd = _unbits(k + 0x4338000000000000) - 6755399441055744.0  # int64 -> float64 without a conversion
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    z2 = z * z
    z4 = z2 * z2
    low = fma(z2, fma(z, 2.0 / 9.0, 2.0 / 7.0), fma(z, 2.0 / 5.0, 2.0 / 3.0))
    middle = fma(z2, fma(z, 2.0 / 17.0, 2.0 / 15.0), fma(z, 2.0 / 13.0, 2.0 / 11.0))
    q = fma(z4 * z4, fma(z, 2.0 / 21.0, 2.0 / 19.0), fma(z4, middle, low))
    y = fma(kd, _LN2_HIGH, fma(kd, _LN2_LOW, fma(s * z, q, 2.0 * s)))
    edge = -INF if x == 0.0 else (INF if x == INF else np.nan)
    return y if (x > 0.0 and x < INF) else edge


@njit(**_LANE)
def pow(a, b):
    """Return a**b for a >= 0; NaN for a < 0, unlike `math.pow` where b is whole."""
    y = exp(b * log(a))
    return 1.0 if b == 0.0 else y


@njit(**_LANE)
def _sin_cos(x):
    """Return sin and cos of the remainder of x to pi/2, and the quadrant 0, 1, 2 or 3 as a float."""
    k = np.floor(fma(x, _TWO_OVER_PI, 0.5))
    r = fma(-k, _PI2_C, fma(-k, _PI2_B, fma(-k, _PI2_A, x)))
    z = r * r
    s = fma(z, fma(z, fma(z, fma(z, fma(z, fma(z, _S15, _S13), _S11), _S9), _S7), _S5), _S3)
    c = fma(z, fma(z, fma(z, fma(z, fma(z, fma(z, _C16, _C14), _C12), _C10), _C8), _C6), _C4)
    return fma(r * z, s, r), fma(z * z, c, fma(z, -0.5, 1.0)), k - 4.0 * np.floor(0.25 * k)


@njit(**_LANE)
def sin(x):
    """Return the sine of x [rad]."""
    s, c, quadrant = _sin_cos(x)
    y = c if (quadrant == 1.0 or quadrant == 3.0) else s
    return -y if quadrant >= 2.0 else y


@njit(**_LANE)
def cos(x):
    """Return the cosine of x [rad]."""
    s, c, quadrant = _sin_cos(x)
    y = s if (quadrant == 1.0 or quadrant == 3.0) else c
    return -y if (quadrant == 1.0 or quadrant == 2.0) else y


# Python's max(a, b) is `b if b > a else a`; numba's differs on NaN. This follows Python exactly.
@njit(**_LANE)
def max2(a, b):
    """Return Python's ``max(a, b)``."""
    return b if b > a else a


_f = np.float32
_ZERO32, _ONE32, _TWO32, _HALF32 = _f(0), _f(1), _f(2), _f(0.5)
_LOG2E32, _LN2_HIGH32, _LN2_LOW32 = _f(_LOG2E), _f(0.693359375), _f(-2.12194440e-4)
_E32 = [_f(v) for v in _F[:8]]
_E2F, _E3F, _E4F, _E5F, _E6F, _E7F = _E32[2:8]
_EXP_TOP32, _EXP_LOW32, _TANH_TOP32, _EXPM1_LOW32 = _f(88.3), _f(-87.0), _f(10.0), _f(-20.0)
_TWO_OVER_PI32, _PI2_A32, _PI2_B32 = _f(_TWO_OVER_PI), _f(1.5707963705062866), _f(-4.371139000186241e-08)
_S32 = [_f(v) for v in (_S3, _S5, _S7, _S9)]
_S3F, _S5F, _S7F, _S9F = _S32
_C32 = [_f(v) for v in (_C4, _C6, _C8, _C10)]
_C4F, _C6F, _C8F, _C10F = _C32
_L3F, _L5F, _L7F, _L9F = _f(2 / 3), _f(2 / 5), _f(2 / 7), _f(2 / 9)
_QUARTER32, _FOUR32, _MINUS_HALF32 = _f(0.25), _f(4), _f(-0.5)
_LOG_BIAS32, _LOG_MAGIC32, _LOG_OFF32 = np.int32(0x3F3504F3), np.int32(0x4B400000), _f(12582912.0)
_BITS23 = np.int32(23)


@njit(**_LANE)
def _exp_parts32(x):
    k = np.floor(fma(x, _LOG2E32, _HALF32))
    r = fma(-k, _LN2_LOW32, fma(-k, _LN2_HIGH32, x))
    q = fma(r, fma(r, fma(r, fma(r, fma(r, _E7F, _E6F), _E5F), _E4F), _E3F), _E2F)
    return _unbits32(types.int32(_bits32(k + _SHIFT32) << _BITS23)), fma(r * r, q, r)


@njit(**_LANE)
def exp32(x):
    """Return e**x in float32."""
    clamped = _EXP_TOP32 if x > _EXP_TOP32 else (_EXP_LOW32 if x < _EXP_LOW32 else x)
    scale, p = _exp_parts32(clamped)
    y = fma(scale, p, scale)
    return INF32 if x > _EXP_TOP32 else (_ZERO32 if x < _EXP_LOW32 else y)


@njit(**_LANE)
def expm132(x):
    """Return e**x - 1 in float32."""
    clamped = _EXP_TOP32 if x > _EXP_TOP32 else (_EXPM1_LOW32 if x < _EXPM1_LOW32 else x)
    scale, p = _exp_parts32(clamped)
    return fma(scale, p, scale - _ONE32)


@njit(**_LANE)
def tanh32(x):
    """Return the hyperbolic tangent in float32."""
    clamped = _TANH_TOP32 if x > _TANH_TOP32 else (-_TANH_TOP32 if x < -_TANH_TOP32 else x)
    scale, p = _exp_parts32(_TWO32 * clamped)
    em1 = fma(scale, p, scale - _ONE32)
    return em1 / (em1 + _TWO32)


@njit(**_LANE)
def log32(x):
    """Return the natural logarithm in float32."""
    b = _bits32(x)
    k = types.int32((b - _LOG_BIAS32) >> _BITS23)
    m = _unbits32(types.int32(b - types.int32(k << _BITS23)))
    kd = _unbits32(types.int32(k + _LOG_MAGIC32)) - _LOG_OFF32
    f = m - _ONE32
    s = f / (_TWO32 + f)
    z = s * s
    q = fma(z, fma(z, fma(z, _L9F, _L7F), _L5F), _L3F)
    y = fma(kd, _LN2_HIGH32, fma(kd, _LN2_LOW32, fma(s * z, q, _TWO32 * s)))
    edge = -INF32 if x == _ZERO32 else (INF32 if x == INF32 else NAN32)
    return y if (x > _ZERO32 and x < INF32) else edge


@njit(**_LANE)
def pow32(a, b):
    """Return a**b for a >= 0 in float32."""
    y = exp32(b * log32(a))
    return _ONE32 if b == _ZERO32 else y


@njit(**_LANE)
def _sin_cos32(x):
    k = np.floor(fma(x, _TWO_OVER_PI32, _HALF32))
    r = fma(-k, _PI2_B32, fma(-k, _PI2_A32, x))
    z = r * r
    s = fma(z, fma(z, fma(z, _S9F, _S7F), _S5F), _S3F)
    c = fma(z, fma(z, fma(z, _C10F, _C8F), _C6F), _C4F)
    return fma(r * z, s, r), fma(z * z, c, fma(z, _MINUS_HALF32, _ONE32)), k - _FOUR32 * np.floor(_QUARTER32 * k)


@njit(**_LANE)
def sin32(x):
    """Return the sine in float32."""
    s, c, quadrant = _sin_cos32(x)
    y = c if (quadrant == 1.0 or quadrant == 3.0) else s
    return -y if quadrant >= 2.0 else y


@njit(**_LANE)
def cos32(x):
    """Return the cosine in float32."""
    s, c, quadrant = _sin_cos32(x)
    y = s if (quadrant == 1.0 or quadrant == 3.0) else c
    return -y if (quadrant == 1.0 or quadrant == 2.0) else y
