"""The words an asset file is written in; beside `twin.correlations`, all that such a file imports."""

import math
from collections.abc import Callable, Mapping
from math import inf
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple, Self

from twin.errors import DeclarationError, TwinError, unknown
from twin.formula import Formula, parse
from twin.units import dimensions

SourceKind = Literal["sheet", "paper", "fit", "guess"]


class Source(NamedTuple):
    """Where a number comes from.

    ``sheet`` and ``paper`` are claims to have read it: the text starts with ``[key]``, and
    ``docs/sources.md`` quotes under that key the line that was read. ``fit`` names the recording and
    its score. ``guess`` says after what the number was guessed.
    """

    kind: SourceKind
    text: str


class Known(NamedTuple):
    """A point the equations must reproduce: values `given` by name, ``(expected, tolerance)`` by name."""

    source: Source
    given: dict[str, float]
    expect: dict[str, tuple[float, float]]


class Constant(float):
    """A physical constant: a float in the equations, a unit to the checker, a source to the reader."""

    unit: str
    doc: str
    source: Source

    def __new__(cls, unit: str, doc: str, value: float, source: Source) -> Self:
        """Return `value` as a float that knows its unit, sentence and source."""
        self = super().__new__(cls, value)
        self.unit, self.doc, self.source = unit, doc, source
        return self


class Quantity:
    """A named number of a piece of equipment: unit, one sentence, value at rest, bounds, source.

    Parameters
    ----------
    unit : str
        Coherent SI, e.g. ``W/(m2.K)``.
    doc : str
        One sentence for data sheets and forms.
    value : float
        What it is unless a plant says otherwise.
    bounds : (float, float)
        Outside these the equations mean nothing; a run that leaves them stops with a named error.
    source : Source, optional
        Where `value` comes from; a parameter must have one.
    """

    name: str

    def __init__(
        self,
        unit: str,
        doc: str,
        value: float = 0.0,
        bounds: tuple[float, float] = (-inf, inf),
        source: Source | None = None,
    ) -> None:
        self.unit, self.doc, self.value, self.bounds, self.source = unit, doc, float(value), bounds, source

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name


class Param(Quantity):
    """Fixed for a run; needs a source."""


class State(Quantity):
    """Integrated by the solver; its derivative is the name prefixed with ``d_``."""

    def __init__(
        self,
        unit: str,
        doc: str,
        value: float = 0.0,
        bounds: tuple[float, float] = (-inf, inf),
        *,
        nominal: float | None = None,
    ) -> None:
        """`nominal` is a size below which a change is of no interest; it scales the solver's tolerance."""
        super().__init__(unit, doc, value, bounds)
        self.nominal = nominal if nominal is not None else (abs(self.value) or 1.0)


class Input(Quantity):
    """Wired to outputs and states of other assets, or held between events."""


class Output(Quantity):
    """Computed from states, inputs, parameters and memory; never stored."""


class Memory(Quantity):
    """What behaviour remembers between events: a mode, a counter. Equations may read it."""


class Due(Quantity):
    """The instant at which the transition marked ``at(name)`` happens next; ``inf`` is never."""

    def __init__(self, doc: str, value: float = inf) -> None:
        super().__init__("s", doc, value, (0.0, inf))


class Fault(Quantity):
    """A damage coordinate; its value at rest is the healthy one, and changes nothing.

    Parameters
    ----------
    respond : str
        What an operator should do, as an instruction.
    within : float
        How soon [s].
    """

    def __init__(
        self,
        unit: str,
        doc: str,
        value: float = 0.0,
        bounds: tuple[float, float] = (0.0, 1.0),
        *,
        respond: str,
        within: float,
    ) -> None:
        super().__init__(unit, doc, value, bounds)
        self.respond, self.within = respond, float(within)


ROLES = (Param, Fault, State, Input, Output, Memory, Due)

Equation = Callable[..., Any]


class _Marked:
    """A function of an asset's body with what it is for; stays callable on plain floats."""

    def __init__(self, function: Equation, trigger: str = "") -> None:
        self.function, self.trigger = function, trigger

    def __call__(self, *args: float, **named: float) -> Any:
        return self.function(*args, **named)


class physics(_Marked):  # noqa: N801 - reads as a decorator
    """Mark equations: arguments are wired by name; they return outputs, or all the ``d_`` of their states."""


class guard(_Marked):  # noqa: N801
    """Mark a scalar function whose upward zero crossing is a discrete event."""


class balance(_Marked):  # noqa: N801
    """Mark a conservation law: returns ``stored, supplied``, which must be equal at every instant.

    Arguments may include the derivatives ``d_<state>``.
    """


class _Transition(_Marked):
    """What happens at an event: from values before to new memory, dues, held inputs and states."""


def on(name: str) -> Callable[[Equation], Any]:
    """Mark the transition that happens when guard `name` crosses zero upwards."""
    return lambda function: _On(function, name)


def at(name: str) -> Callable[[Equation], Any]:
    """Mark the transition that happens at the instant held in the `Due` called `name`."""
    return lambda function: _At(function, name)


class _On(_Transition):
    pass


class _At(_Transition):
    pass


class Asset:
    """Base of every piece of equipment; a subclass's body is its data sheet, equations and behaviour.

    The class is never instantiated: plants are tables of numbers over it.
    """

    roles: ClassVar[dict[type[Quantity], dict[str, Quantity]]]
    outputs: ClassVar[dict[str, Formula]]
    dynamics: ClassVar[dict[str, Formula]]
    guards: ClassVar[dict[str, Formula]]
    balances: ClassVar[dict[str, Formula]]
    transitions: ClassVar[dict[str, tuple[str, str, Formula]]]
    """By name: ``("on", guard, formula)`` or ``("at", due, formula)``."""
    known: ClassVar[tuple[Known, ...]] = ()
    _quantities: ClassVar[Mapping[str, Quantity]] = MappingProxyType({})

    def __init_subclass__(cls) -> None:
        own = vars(cls)
        cls.roles = {role: {n: q for n, q in own.items() if type(q) is role} for role in ROLES}
        cls._quantities = MappingProxyType({n: q for group in cls.roles.values() for n, q in group.items()})
        formulas = {n: parse(m.function, f"{cls.__name__}.{n}") for n, m in own.items() if isinstance(m, _Marked)}
        of = {
            kind: {n: f for n, f in formulas.items() if isinstance(own[n], kind)} for kind in (physics, guard, balance)
        }
        rates = {n: f for n, f in of[physics].items() if any(r.startswith("d_") for r in f.returns)}
        cls.outputs = {n: f for n, f in of[physics].items() if n not in rates}
        cls.dynamics, cls.guards, cls.balances = rates, of[guard], of[balance]
        cls.transitions = {
            n: ("on" if isinstance(own[n], _On) else "at", own[n].trigger, f)
            for n, f in formulas.items()
            if isinstance(own[n], _Transition)
        }
        _check(cls)

    @classmethod
    def quantities(cls) -> Mapping[str, Quantity]:
        """Return every declared quantity by name, parameters first."""
        return cls._quantities


def _check(cls: type[Asset]) -> None:
    """Refuse at import what could not be simulated."""
    known = cls.quantities()
    for name, quantity in known.items():
        _check_quantity(f"{cls.__name__}.{name}", name, quantity)
    for name, formula in {**cls.outputs, **cls.dynamics, **cls.guards, **cls.balances}.items():
        _check_equation(cls, name, formula)
    _check_returns(cls, cls.outputs, set(cls.roles[Output]))
    _check_returns(cls, cls.dynamics, {f"d_{s}" for s in cls.roles[State]})
    for name, (kind, trigger, formula) in cls.transitions.items():
        _check_transition(cls, f"{cls.__name__}.{name}", kind, trigger, formula)


def _check_equation(cls: type[Asset], name: str, formula: Formula) -> None:
    where = f"{cls.__name__}.{name}"
    for argument in formula.arguments:
        if argument in cls.roles[Due]:
            raise DeclarationError(
                f"{where}: only a transition may read a Due; keep what {argument!r} means in a Memory"
            )
    extra = {f"d_{s}" for s in cls.roles[State]} if name in cls.balances else set()
    _check_arguments(where, formula, {*cls.quantities(), *extra, "t"} - set(cls.roles[Due]))
    outputs = [r for r in formula.returns if not r.startswith("d_")]
    if name in cls.dynamics and outputs:
        raise DeclarationError(f"{where}: returns derivatives and also {', '.join(outputs)}; make it two functions")
    if name in cls.guards and len(formula.returns) != 1:
        raise DeclarationError(f"{where}: a guard returns one number; it returns {len(formula.returns)}")
    if name in cls.balances and len(formula.returns) != 2:
        raise DeclarationError(f"{where}: a balance returns stored, supplied; two names")


def _check_transition(cls: type[Asset], where: str, kind: str, trigger: str, formula: Formula) -> None:
    triggers = cls.guards if kind == "on" else cls.roles[Due]
    if trigger not in triggers:
        raise DeclarationError(f"{where}: {unknown('guard' if kind == 'on' else 'Due', trigger, triggers)}")
    _check_arguments(where, formula, {*cls.quantities(), "t"})
    settable = {n for role in (State, Input, Memory, Due) for n in cls.roles[role]}
    for returned in formula.returns:
        if returned not in settable:
            there = unknown("state, input, memory or due", returned, settable)
            raise DeclarationError(f"{where}: a transition can't set {returned!r}: {there}")


def _check_quantity(where: str, name: str, quantity: Quantity) -> None:
    try:
        dimensions(quantity.unit)
    except TwinError as err:
        raise DeclarationError(f"{where}: {err}") from None
    if name.startswith(("_", "d_")) or "__" in name or name == "t":
        raise DeclarationError(
            f"{where}: names that start with '_' or 'd_', hold '__' or are 't' are reserved; rename it"
        )
    low, high = quantity.bounds
    if math.isnan(quantity.value) or not low <= quantity.value <= high:
        raise DeclarationError(
            f"{where}: {quantity.value:g} {quantity.unit} is outside [{low:g}, {high:g}]; mend value or bounds"
        )
    if isinstance(quantity, Param) and quantity.source is None:
        raise DeclarationError(f"{where}: a parameter needs a Source; an honest guess is Source('guess', 'after ...')")
    source = quantity.source
    if source and source.kind in ("sheet", "paper") and not source.text.startswith("["):
        raise DeclarationError(
            f"{where}: a {source.kind} source starts with its [key] in docs/sources.md; else call it a guess"
        )


def _check_arguments(where: str, formula: Formula, known: set[str]) -> None:
    for argument in formula.arguments:
        if argument not in known:
            raise DeclarationError(f"{where}: {unknown('quantity', argument, known)}")


def _check_returns(cls: type[Asset], formulas: dict[str, Formula], promised: set[str]) -> None:
    """Each promised name must be returned once, and nothing else."""
    returned = [r for f in formulas.values() for r in f.returns]
    for name in returned:
        if name not in promised:
            raise DeclarationError(f"{cls.__name__}: returns {name!r}, which is not declared; declare it or drop it")
        if returned.count(name) > 1:
            raise DeclarationError(f"{cls.__name__}: {name!r} is returned by two functions; one must own it")
    lost = sorted(promised - set(returned))
    if lost:
        raise DeclarationError(f"{cls.__name__}: no function returns {', '.join(lost)}; add the equation")
