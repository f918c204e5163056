"""A number that carries dimensions, to run an equation once and see what comes out."""

import inspect
import math
import types
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from twin import correlations
from twin.declare import Constant
from twin.units import dimensions, spell

Dims = tuple[Fraction, ...]
NONE: Dims = (Fraction(0),) * 5


class UnitMismatchError(AssertionError):
    """Two numbers met that measure different things."""


def _is_any_zero(x: object) -> bool:
    """Return whether `x` is a bare 0 or infinity, which measures whatever its neighbour does."""
    return isinstance(x, int | float) and not isinstance(x, Constant) and (x == 0 or math.isinf(x))


def _text(dims: Dims) -> str:
    return spell(tuple(int(d) if d.denominator == 1 else d for d in dims))  # type: ignore[misc]


class Probe:
    """A float with exponents of m, kg, s, K and A; sums and comparisons refuse what doesn't match."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: float, dims: Any = NONE) -> None:
        self.value, self.dims = float(value), tuple(Fraction(d) for d in dims)

    @staticmethod
    def of(x: Any) -> "Probe":
        """Return a Probe as it is, a Constant with its unit, another number with none."""
        if isinstance(x, Probe):
            return x
        return Probe(float(x), dimensions(x.unit) if isinstance(x, Constant) else NONE)

    def _same(self, other: Any, what: str) -> float:
        if _is_any_zero(other):
            return float(other)
        other = Probe.of(other)
        if self.dims != other.dims:
            raise UnitMismatchError(f"{what} of {_text(self.dims)} and {_text(other.dims)}")
        return other.value

    def __repr__(self) -> str:
        return f"{self.value:g} {_text(self.dims)}"

    def __add__(self, o: Any) -> "Probe":
        return Probe(self.value + self._same(o, "sum"), self.dims)

    def __sub__(self, o: Any) -> "Probe":
        return Probe(self.value - self._same(o, "difference"), self.dims)

    def __rsub__(self, o: Any) -> "Probe":
        return Probe(self._same(o, "difference") - self.value, self.dims)

    def __neg__(self) -> "Probe":
        return Probe(-self.value, self.dims)

    def __abs__(self) -> "Probe":
        return Probe(abs(self.value), self.dims)

    def __mul__(self, o: Any) -> Any:
        if _is_any_zero(o):
            return o * self.value
        o = Probe.of(o)
        return Probe(self.value * o.value, map(sum, zip(self.dims, o.dims, strict=True)))

    def __truediv__(self, o: Any) -> "Probe":
        o = Probe.of(o)
        return Probe(self.value / o.value, (a - b for a, b in zip(self.dims, o.dims, strict=True)))

    def __rtruediv__(self, o: Any) -> Any:
        return o / self.value if _is_any_zero(o) else Probe.of(o) / self

    def __pow__(self, k: Any) -> "Probe":
        if isinstance(k, Probe | Constant) and any(self.dims):
            raise UnitMismatchError(f"{_text(self.dims)} to a power that isn't a plain number")
        exponent = float(k)
        return Probe(math.pow(self.value, exponent), (d * Fraction(exponent).limit_denominator(64) for d in self.dims))

    def __rpow__(self, base: float) -> "Probe":
        return Probe(math.pow(base, float(self)))

    def __lt__(self, o: Any) -> bool:
        return self.value < self._same(o, "comparison")

    def __le__(self, o: Any) -> bool:
        return self.value <= self._same(o, "comparison")

    def __gt__(self, o: Any) -> bool:
        return self.value > self._same(o, "comparison")

    def __ge__(self, o: Any) -> bool:
        return self.value >= self._same(o, "comparison")

    def __eq__(self, o: object) -> bool:
        return self.value == self._same(o, "comparison")

    def __ne__(self, o: object) -> bool:
        return self.value != self._same(o, "comparison")

    def __float__(self) -> float:
        if any(self.dims):
            raise UnitMismatchError(f"a function of a bare number was given {_text(self.dims)}")
        return self.value

    __radd__, __rmul__ = __add__, __mul__


def _bare(function: Callable[[float], float]) -> Callable[[Any], Probe]:
    return lambda x: Probe(function(float(Probe.of(x))))


def _sqrt(x: Any) -> Any:
    return math.sqrt(x) if _is_any_zero(x) else Probe.of(x) ** 0.5


def _pow(x: Any, y: Any) -> Any:
    return math.pow(x, float(y)) if _is_any_zero(x) else Probe.of(x) ** y


_FAKES: dict[str, Any] = {n: _bare(getattr(math, n)) for n in ("exp", "expm1", "log", "tanh", "sin", "cos")}
_FAKES |= {"sqrt": _sqrt, "pow": _pow, "fabs": abs}
MATH = types.SimpleNamespace(**{n: v for n, v in vars(math).items() if isinstance(v, float)}, **_FAKES)


def lifted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` as it is written, but over a `math` and over constants that know their units."""
    return _lifted(function, {})


def _lifted(function: Any, done: dict[int, dict[str, Any]]) -> Any:
    return types.FunctionType(
        function.__code__,
        _names(function.__globals__, done),
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )


def _names(names: dict[str, Any], done: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """Return the globals of one module with all that matters replaced; helpers find each other in them."""
    if id(names) not in done:
        done[id(names)] = made = dict(names)
        homes = (names.get("__name__"), correlations.__name__)
        for name, value in names.items():
            if isinstance(value, Constant):
                made[name] = Probe.of(value)
            elif value is math:
                made[name] = MATH
            elif value is correlations:
                made[name] = types.SimpleNamespace(**_names(vars(correlations), done))
            elif inspect.isbuiltin(value) and value is getattr(math, value.__name__, None):
                made[name] = _FAKES.get(value.__name__, value)
            elif inspect.isfunction(value) and value.__module__ in homes:
                made[name] = _lifted(value, done)
    return done[id(names)]
