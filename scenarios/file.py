"""The shape of a scenario file: what is checked before anything else, and what its errors point to."""

from typing import Any

from pydantic import Field

from twin.shape import Section


class QuestionEntry(Section):
    """What is asked, in words."""

    en: str
    ko: str = ""


class StepEntry(Section):
    """Values that change at a time from the start."""

    at: str = Field(description="time from the start: 8 h, or Sun 22:00")
    set: dict[str, str] = Field(description="asset.quantity: value, or +5 %, -8 K beside its value in the plant")


class VariantEntry(Section):
    """What is done otherwise."""

    about: QuestionEntry | None = None
    set: dict[str, Any] = Field({}, description="asset.quantity or flow.block.key: value, or +5 %, -8 K")
    schedule: list[StepEntry] = Field([], description="what changes later")


class PrecisionEntry(Section):
    """How sure an answer has to be before it is given."""

    of: str = Field(description="one of `report`")
    within: str = Field(description="half width of its 95 % interval: 1 % of the mean, or an absolute value")
    most: str = Field("2000", description="replications at most")


class RangeEntry(Section):
    """Between what a factor is varied."""

    low: str
    high: str


class VaryEntry(Section):
    """A design of experiments instead of named variants."""

    design: str = Field(description="grid, latin_hypercube, sobol, one_at_a_time, sensitivity or optimise")
    over: dict[str, list[str] | RangeEntry] = Field(min_length=1, description="path: levels (grid), or low and high")
    count: str = Field("", description="cases; of a sensitivity: of its base; of an optimisation: its budget")
    goal: str = Field("", description="optimise: maximise NAME or minimise NAME, one of `report`")
    search: str = Field("scipy", description="optimise: scipy, or optuna (an extra)")


class MoneyEntry(Section):
    """What things cost, in one currency."""

    currency: str = "KRW"
    energy: str = Field("0", description="per kWh")
    scrap: str = Field("0", description="per scrapped part")
    part: str = Field("0", description="earned per good part")
    late: str = Field("0", description="per order that isn't finished by its due date")
    crew: dict[str, str] = Field({}, description="crew: per hour of each person who is there")


class ScenarioFile(Section):
    """A question to a plant."""

    scenario: str = Field(description="name of the scenario")
    question: QuestionEntry
    plant: str = Field(description="name of a shipped plant, or the path of its file beside this one")
    start: str = Field("rest", description="rest, or live: `--from` says which twin")
    for_: str = Field(alias="for", description="how long it is looked at")
    warm_up: str = Field("0 s", description="time before that which doesn't count")
    rtol: str = Field("1e-4", description="relative tolerance of the physics")
    seed: str = "1"
    replications: str = Field(
        "", description="how often every variant is run; 100 if neither this nor precision is given"
    )
    precision: PrecisionEntry | None = None
    assume: dict[str, str] = Field({}, description="path: value in every variant, as faults")
    uncertain: dict[str, str] = Field(
        {}, description="asset.quantity: standard deviation, 5 % or 20 kW; drawn anew each time"
    )
    variants: dict[str, Any] = Field(
        {}, description="name: what is changed; the first is what others are compared with"
    )
    vary: VaryEntry | None = None
    report: list[str] = Field(
        min_length=1, description="what is answered: op_10.oee, line.throughput, order.friday.on_time"
    )
    curves: list[str] = Field([], description="asset.quantity or tag that is drawn over time")
    pareto: list[str] = Field([], description="two of `report` that are to be traded off")
    money: MoneyEntry | None = None
