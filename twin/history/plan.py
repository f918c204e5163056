"""What a view needs to know of a plant without having its equations: assets, how they hang together, what is shown."""

from msgspec import Struct


class Machine(Struct, frozen=True):
    """An asset.

    Attributes
    ----------
    name, kind : str
        As the plant file calls it, and the class of equipment.
    title : str
        The kind in words, packed for `twin.monitor.names`.
    layer : int
        How far down the chain of energy it stands, from 0.
    """

    name: str
    kind: str
    title: str
    layer: int


class Link(Struct, frozen=True):
    """Two assets that exchange something: ``liquid``, ``shaft``, ``power``, ``heat`` or ``signal``."""

    first: str
    second: str
    kind: str


class Shown(Struct, frozen=True):
    """Something that is shown over time.

    Attributes
    ----------
    name : str
        The tag, or the ``asset.quantity`` that no tag reads.
    kind : str
        ``tag``, ``hidden`` (a state), ``parameter`` or ``input`` (both estimated).
    asset : str
        Empty where several assets share it.
    title : str
        What it is, packed for `twin.monitor.names`.
    unit : str
        What is shown is ``(SI - offset) / factor``.
    low, high : float or None
        Alarm limits, SI.
    usual : tuple or None
        Where an estimated number lies as long as the plant is what its file says, SI.
    """

    name: str
    kind: str
    asset: str
    title: str
    unit: str
    factor: float
    offset: float
    low: float | None = None
    high: float | None = None
    usual: tuple[float, float] | None = None


class Plan(Struct, frozen=True):
    """A plant as a view sees it.

    Attributes
    ----------
    plant, about, zone : str
        Name, sentence, and time zone.
    every, lag : float
        Time between instants, and how late a reading may come [s].
    machines, links : tuple
    tags, outputs, unknowns : tuple of Shown
        In the order of the arrays of a row: readings, expectations (tags first, then what else is watched), beliefs.
    """

    plant: str
    about: str
    zone: str
    every: float
    lag: float
    machines: tuple[Machine, ...]
    links: tuple[Link, ...]
    outputs: tuple[Shown, ...]
    unknowns: tuple[Shown, ...]
    tags: int

    def fits(self, tags: int, outputs: int, unknowns: int) -> bool:
        """Return whether arrays of these lengths are of this plant: a folder may hold what another one left."""
        return (tags, outputs, unknowns) == (self.tags, len(self.outputs), len(self.unknowns))
