"""The shape of a data set's specification: what is checked before anything else, and what its errors point to."""

from typing import Any

from pydantic import Field

from twin.factory.truth_file import DisturbanceEntry, SpreadEntry
from twin.plant_file import SolverEntry
from twin.shape import Section


class SamplingEntry(Section):
    """What is recorded, and how often."""

    every: str = Field("1 s", description="time between two rows")
    tags: list[str] = Field(["*"], min_length=1, description="tags of the plant; patterns with *")
    truth: list[str] = Field(
        [], description="asset.quantity that is recorded as it is; every state if empty. What faults move always is"
    )


class MachinesEntry(Section):
    """How machines of one kind differ from each other."""

    count: str = Field("20", description="how many machines there are; each makes several runs")
    spread: SpreadEntry | None = Field(None, description="how far parameters lie from their data sheets")
    within: dict[str, list[str]] = Field({}, description="asset.quantity: [low, high], drawn once for each machine")
    instruments: dict[str, str] = Field({}, description="tag: standard deviation of its constant error")


class ModeEntry(Section):
    """A way in which the plant is operated."""

    about: str = Field("", description="one sentence")
    set: dict[str, Any] = Field({}, description="asset.quantity: value, or [low, high] drawn for each run")


class DutyEntry(Section):
    """In which order modes follow each other."""

    share: str = Field("1", description="how often it is drawn, beside the others' shares")
    cycle: list[str] = Field([], description="modes with times, repeated: [idle 1 min, roughing 5 min]")
    modes: list[str] = Field([], description="instead: modes drawn at random")
    each: list[str] = Field([], description="how long a randomly drawn mode lasts: [shortest, longest]")


class EnvironmentEntry(DisturbanceEntry):
    """What comes from outside: another value in each run, about which it wanders or steps."""

    between: list[str] = Field([], description="[low, high] of the value it has in a run; the plant's if omitted")


class FaultEntry(Section):
    """Something that goes wrong in equipment."""

    about: str = Field("", description="one sentence: what happens")
    to: dict[str, str] = Field(min_length=1, description="asset.quantity: where severity 1 takes it")
    share: str = Field("1", description="how often it is drawn, beside the other faults' shares")
    severity: list[str] = Field(["100 %", "100 %"], description="[least, greatest] share of the way to `to`")
    unseen: list[str] = Field([], description="[from, to] of severities that only the test of unseen severity has")
    onset: list[str] = Field(["20 %", "60 %"], description="[earliest, latest], as times or shares of the length")
    growth: str = Field("ramp", description="step, ramp, exponential or accelerating")
    over: list[str] = Field(["10 min", "10 min"], description="[fastest, slowest] growth; time constant of exponential")


class SensorFaultEntry(Section):
    """Something that goes wrong in an instrument."""

    tag: str = Field(description="whose instrument it is")
    kind: str = Field(description="offset, drift, gain, stuck, noise, spikes or gap")
    size: list[str] = Field([], description="[least, greatest] difference; of a gain, share; none of stuck and gap")
    share: str = Field("1", description="how often it is drawn, beside the others")
    onset: list[str] = Field(["10 %", "80 %"], description="[earliest, latest], as times or shares of the length")
    lasts: list[str] = Field(["100 %", "100 %"], description="[shortest, longest], as times or shares of the length")


class MissingEntry(Section):
    """Readings that don't arrive."""

    each: str = Field("0", description="probability that a reading is missing")
    gaps: str = Field("0", description="how many times an hour all readings are missing, on average")
    lasts: list[str] = Field(["5 s", "30 s"], description="[shortest, longest] such gap")


class LifeEntry(Section):
    """When equipment is at its end: what the remaining useful life counts down to."""

    ends: list[str] = Field(min_length=1, description="guards of the plant: spindle_1.worn, bearing_1.too_hot")
    horizon: str = Field("0 s", description="how far beyond a run's last row its end is looked for")


class SplitsEntry(Section):
    """Shares of the runs; they sum to 1."""

    train: str = Field("60 %", description="to train with, and to normalise by")
    validation: str = Field("10 %", description="to choose models and thresholds with")
    test: str = Field("15 %", description="to be judged by: runs like those of train")
    unseen_machine: str = Field("5 %", description="runs of machines that no other split has")
    unseen_severity: str = Field("5 %", description="severities that no other split has")
    unseen_fault: str = Field("5 %", description="faults that no other split has")
    by: str = Field("run", description="run, or machine: then train, validation and test share no machine either")
    machines: str = Field("20 %", description="share of machines that are held out for unseen_machine")
    faults: list[str] = Field([], description="faults that are held out for unseen_fault")


class DatasetFile(Section):
    """A data set of labelled runs."""

    dataset: str = Field(description="name of the data set")
    about: str = Field(min_length=1, description="what it is and what for, in a sentence or two")
    plants: list[str] = Field(min_length=1, description="shipped plants, or paths of files; alike but for numbers")
    length: str = Field(description="how long a run is")
    settle: str = Field("0 s", description="how long the plant has run before the first row, nothing outside changing")
    hold: str = Field("", description="time step of modes, environment and faults; a 360th of the length if omitted")
    runs: str = Field("1000", description="how many, unless --runs says so")
    seed: str = Field("1", description="of all random numbers, unless --seed says so")
    solver: SolverEntry | None = Field(None, description="how physics is integrated; rodas4 to 1e-4 if omitted")
    sampling: SamplingEntry = Field(SamplingEntry(), description="what is recorded, and how often")
    machines: MachinesEntry = Field(MachinesEntry(), description="how machines differ")
    begin: dict[str, list[str]] = Field({}, description="asset.quantity: [low, high] at the start, drawn for each run")
    modes: dict[str, ModeEntry] = Field({}, description="ways of operating")
    duty: dict[str, DutyEntry] = Field({}, description="orders of modes")
    environment: dict[str, EnvironmentEntry] = Field({}, description="what comes from outside")
    healthy: str = Field("50 %", description="share of the runs in which no equipment goes wrong")
    faults: dict[str, FaultEntry] = Field({}, description="classes: what goes wrong in equipment")
    sensor_faults: dict[str, SensorFaultEntry] = Field({}, description="what goes wrong in instruments")
    sensor_faulty: str = Field("0 %", description="share of the runs in which an instrument goes wrong")
    noise: str = Field("1", description="factor of the plant's noise")
    missing: MissingEntry = Field(MissingEntry(), description="readings that don't arrive")
    life: LifeEntry | None = Field(None, description="when equipment is at its end; no remaining life if omitted")
    splits: SplitsEntry = Field(SplitsEntry(), description="what runs are for")
    contents: list[str] = Field(
        ["truth", "parameters", "plant"], description="what is written beside signals and labels"
    )
    purpose: str = Field("training", min_length=1, description="what the data is for; a contract has to allow it")
    license: str = Field("", description="SPDX name; the contract's if it has one, else CC-BY-4.0")
    contract: str = Field("", description="file beside this one: what suppliers allow")
