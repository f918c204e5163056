"""Contenders timed in turns within one process, by CPU time: noise of the machine hits all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

ROUNDS = 15


class Rate(NamedTuple):
    """Work per CPU second of one contender, a number a round."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median over the rounds."""
        return statistics.median(self.rounds)

    @property
    def best(self) -> float:
        """Best of the rounds."""
        return max(self.rounds)

    def over(self, other: "Rate") -> float:
        """Return how much faster this is: the median of the ratios of neighbouring rounds."""
        return statistics.median(a / b for a, b in zip(self.rounds, other.rounds, strict=True))


def alternate(contenders: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, Rate]:
    """Return the rates of `contenders`, each of which does its work and says how much it was."""
    seen: dict[str, list[float]] = {name: [] for name in contenders}
    for work in contenders.values():
        work()
    for _ in range(rounds):
        for name, work in contenders.items():
            began = time.process_time()
            done = work()
            seen[name].append(done / (time.process_time() - began))
    return {name: Rate(tuple(values)) for name, values in seen.items()}
