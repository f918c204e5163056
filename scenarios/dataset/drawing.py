"""What each run is, drawn from named streams: its split, machine, class, severity, times and duty.

A run's numbers are functions of the seed, the number of runs and its own number, so any worker may draw any of them.
What an observer of a run could know before its onset (machine, duty, environment, length) is drawn without regard to
what is going to happen; otherwise a model could tell faults from their circumstances.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from scenarios.dataset.spec import SPLITS, Between, Spec
from twin.streams import bits, member_seeds, uniform


@dataclass(frozen=True)
class Draws:
    """What is drawn for some runs; arrays of shape (runs,), times in seconds from a run's first row.

    Attributes
    ----------
    number : numpy.ndarray
        Of each run in the data set.
    seed : numpy.ndarray
        Of each run's own streams, uint64.
    split, fault, sensor_fault : numpy.ndarray
        Codes; 0 is healthy, and no sensor fault.
    machine, plant, duty : numpy.ndarray
        Which machine, of which of the plants, under which duty.
    severity, onset, over : numpy.ndarray
        0, infinity and 1 where no equipment goes wrong.
    sensor_size, sensor_onset, sensor_end : numpy.ndarray
        With the sign of the error; 0 and infinity where no instrument goes wrong.
    """

    number: np.ndarray
    seed: np.ndarray
    split: np.ndarray
    fault: np.ndarray
    sensor_fault: np.ndarray
    machine: np.ndarray
    plant: np.ndarray
    duty: np.ndarray
    severity: np.ndarray
    onset: np.ndarray
    over: np.ndarray
    sensor_size: np.ndarray
    sensor_onset: np.ndarray
    sensor_end: np.ndarray

    def picked(self, which: np.ndarray) -> "Draws":
        """Return some of the runs."""
        return Draws(**{field.name: getattr(self, field.name)[which] for field in fields(self)})

    @property
    def count(self) -> int:
        """How many runs they are."""
        return len(self.number)


class Lot:
    """All runs of a data set: exact shares of splits and classes, in an order that says nothing."""

    def __init__(self, spec: Spec, runs: int, seed: int) -> None:
        self.spec, self.runs, self.seed = spec, runs, seed
        self._root = member_seeds(seed, 1)

    @cached_property
    def machine_seeds(self) -> np.ndarray:
        """Seeds of the machines, uint64."""
        return np.asarray(bits(self._root, "machines", "seed", 0, self.spec.machines.number)[0])

    @cached_property
    def machine_plants(self) -> np.ndarray:
        """Which plant each machine is of."""
        share = uniform(self.machine_seeds, "machines", "plant", 0, 1)[:, 0]
        return (share * len(self.spec.plants)).astype(np.int32)

    @cached_property
    def machine_pools(self) -> tuple[np.ndarray, ...]:
        """Which machines each split has; those held out are of no other split."""
        spec = self.spec
        order = np.argsort(bits(self._root, "machines", "order", 0, spec.machines.number)[0], kind="stable")
        shares = dict(zip(SPLITS, spec.splits.shares, strict=True))
        held = round(spec.splits.machines * spec.machines.number) if shares["unseen_machine"] else 0
        unseen, seen = order[:held], order[held:]
        pools = dict.fromkeys(SPLITS, seen) | {"unseen_machine": unseen}
        if spec.splits.by == "machine":
            wanted = np.array([shares["train"], shares["validation"], shares["test"]])
            counts = np.maximum(allotted(wanted, len(seen)), wanted > 0.0)
            counts[0] = len(seen) - counts[1:].sum()
            train, validation, test = np.split(seen, np.cumsum(counts)[:-1])
            pools |= {"train": train, "validation": validation, "test": test}
            pools |= {"unseen_severity": test, "unseen_fault": test}
        return tuple(pools[split] for split in SPLITS)

    @cached_property
    def _cards(self) -> np.ndarray:
        """Split and class of every run, shape (runs, 2): as many of each as the shares say, shuffled."""
        splits = allotted(np.array(self.spec.splits.shares), self.runs)
        codes = []
        for split, count in zip(SPLITS, splits, strict=True):
            weights = self.class_shares(split)
            codes.append(np.repeat(np.arange(len(weights)), allotted(weights, int(count))))
        cards = np.stack([np.repeat(np.arange(len(SPLITS)), splits), np.concatenate(codes)], axis=1).astype(np.uint8)
        return cards[np.argsort(bits(self._root, "runs", "order", 0, self.runs)[0], kind="stable")]

    @property
    def counts(self) -> np.ndarray:
        """How many runs there are, shape (splits, classes)."""
        found = np.zeros((len(SPLITS), len(self.spec.classes)), np.int64)
        np.add.at(found, tuple(self._cards.T), 1)
        return found

    def class_shares(self, split: str) -> np.ndarray:
        """Return how often each class is in a split; healthy runs are as frequent in all of them."""
        spec = self.spec
        faults = []
        for fault in spec.faults:
            held = fault.name in spec.splits.faults
            fits = held == (split == "unseen_fault") and (split != "unseen_severity" or fault.unseen is not None)
            faults.append(fault.share if fits else 0.0)
        weights = np.array(faults, float)
        if not weights.sum():
            return np.array([1.0, *weights])
        return np.array([spec.healthy, *(1.0 - spec.healthy) * weights / weights.sum()])

    def draws(self, first: int, count: int) -> Draws:
        """Return what is drawn for `count` runs from the one numbered `first`."""
        spec, number = self.spec, np.arange(first, min(first + count, self.runs))
        seeds = _seeds(self.seed, number)
        split, fault = self._cards[number].T

        def share(name: str, purpose: str) -> np.ndarray:
            return uniform(seeds, name, purpose, 0, 1)[:, 0]

        pools, pick = self.machine_pools, share("run", "machine")
        machine = np.zeros(len(number), np.int32)
        for place, pool in enumerate(pools):
            mine = split == place
            machine[mine] = pool[(pick[mine] * len(pool)).astype(np.intp)] if len(pool) else 0
        code, size, begin, end = self._sensors(share)
        return Draws(
            number=number, seed=seeds, split=split.astype(np.uint8), fault=fault.astype(np.uint8),
            sensor_fault=code, machine=machine, plant=self.machine_plants[machine],
            duty=self._duties(share("run", "duty")),
            severity=_by_class(spec, split, fault, share("run", "severity"), "severity"),
            onset=self._onsets(split, fault, share("run", "onset")),
            over=_by_class(spec, split, fault, share("run", "over"), "over"),
            sensor_size=size, sensor_onset=begin, sensor_end=end,
        )  # fmt: skip

    def _onsets(self, split: np.ndarray, fault: np.ndarray, share: np.ndarray) -> np.ndarray:
        """Return onsets on the grid on which anything moves from outside."""
        onset = _by_class(self.spec, split, fault, share, "onset")
        return np.asarray(np.floor(onset / self.spec.hold) * self.spec.hold)

    def _duties(self, share: np.ndarray) -> np.ndarray:
        return _chosen(np.array([duty.share for duty in self.spec.duties] or [1.0]), share).astype(np.uint8)

    def _sensors(self, share: Callable[[str, str], np.ndarray]) -> tuple[np.ndarray, ...]:
        """Return code, size with sign, beginning and end of what goes wrong in instruments."""
        spec = self.spec
        faulty = share("sensor", "whether") < spec.sensor_faulty
        kinds = spec.sensor_faults
        which = _chosen(np.array([kind.share for kind in kinds] or [1.0]), share("sensor", "which"))
        code = np.where(faulty, which + 1, 0).astype(np.uint8)

        def drawn(ranges: list[Between], purpose: str) -> np.ndarray:
            lows, highs = np.array([(0.0, 0.0), *ranges]).T
            return np.asarray(lows[code] + (highs - lows)[code] * share("sensor", purpose))

        sign = np.where(share("sensor", "sign") < 0.5, -1.0, 1.0)
        onset = np.floor(drawn([kind.onset for kind in kinds], "onset") / spec.every) * spec.every
        end = np.ceil((onset + drawn([kind.lasts for kind in kinds], "lasts")) / spec.every) * spec.every
        never = np.where(code > 0, 0.0, np.inf)
        return code, sign * drawn([kind.size for kind in kinds], "size"), onset + never, end + never


def _seeds(seed: int, number: np.ndarray) -> np.ndarray:
    """Return seeds of runs: those of the first `n` are the same however many there are."""
    return member_seeds(seed, int(number[-1]) + 1)[number] if len(number) else np.empty(0, np.uint64)


def _by_class(spec: Spec, split: np.ndarray, fault: np.ndarray, share: np.ndarray, what: str) -> np.ndarray:
    """Return a number drawn from the range that a run's fault has for it."""
    nothing = {"severity": 0.0, "onset": np.inf, "over": 1.0}[what]
    found = np.full(len(fault), nothing)
    for code, each in enumerate(spec.faults, 1):
        low, high = getattr(each, what)
        found[fault == code] = low + (high - low) * share[fault == code]
        if what == "severity" and each.unseen is not None:
            those = (fault == code) & (split == SPLITS.index("unseen_severity"))
            found[those] = each.unseen.low + (each.unseen.high - each.unseen.low) * share[those]
    return found


def _chosen(weights: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return an index for each share in (0, 1), by weights."""
    return np.asarray(np.searchsorted(np.cumsum(weights)[:-1] / weights.sum(), share, side="right"))


def allotted(shares: np.ndarray, count: int) -> np.ndarray:
    """Return whole numbers that sum to `count`, as close to the shares as can be (largest remainders)."""
    exact = shares / shares.sum() * count
    found = np.floor(exact + 1e-9).astype(int)
    rest = np.argsort(-(exact - found), kind="stable")[: count - found.sum()]
    found[rest] += 1
    return np.asarray(found)
