"""What the faults of a simulated factory show in 5, 15 and 30 minutes: the tables of docs/faults-of-the-demo.md."""

import sys
from collections.abc import Iterator

import numpy as np

from benchmarks.report import REPOSITORY, commit, machine
from twin.factory.factory import Factory
from twin.factory.forcing import Member
from twin.factory.truth import Truth
from twin.plant import Plant
from twin.runs import Scale

MINUTES = (5, 15, 30)
LEAST = 1.0
"""What moves by less than so many deviations of its noise is not shown."""


def effects(name: str, seed: int) -> Iterator[str]:
    """Yield the table of one factory: means of a minute less those without the fault, in deviations of the noise."""
    plant = Plant.load(REPOSITORY / "scenarios" / "plants" / f"{name}.yaml")
    truth = Truth.load(REPOSITORY / "scenarios" / "truths" / f"{name}.yaml", plant)
    factory = Factory(truth, [Member(seed), *(Member(seed, fault, 0.0) for fault in truth.mishaps)])
    shown = []
    for minute in MINUTES:
        factory.advance(60.0 * (minute - 1))
        block = factory.advance(60.0 * minute)
        shown.append([block.value[:, block.tag == i].mean(axis=1) for i in range(len(factory.tags))])
    moved = np.array([[values - values[0] for values in at] for at in shown])
    tags = list(plant.tags.values())
    noise = [t.noise * Scale.of(plant.quantity(t.reads).unit, t.unit).factor for t in tags]
    yield f"| fault | the twin's name | {' | '.join(f'after {m} min' for m in MINUTES)} |"
    yield "|---" * (2 + len(MINUTES)) + "|"
    for i, fault in enumerate(truth.mishaps, 1):
        sizes = [
            {t.name: moved[k, j, i] / noise[j] for j, t in enumerate(tags) if noise[j]} for k in range(len(MINUTES))
        ]
        listed = sorted(
            (n for n in sizes[0] if max(abs(s[n]) for s in sizes) >= LEAST), key=lambda n: -abs(sizes[-1][n])
        )
        cells = [", ".join(f"{n} {s[n]:+.0f}" for n in listed if abs(s[n]) >= LEAST) or "-" for s in sizes]
        yield f"| {fault} | {', '.join(truth.declared(fault)) or '-'} | {' | '.join(cells)} |"
    trips = [f"{factory.members[h.member].fault or 'healthy'}: {h.name} at {h.time / 60:.0f} min"
             for h in factory.happenings() if h.time > 0.0]  # fmt: skip
    yield ""
    yield f"Events in 30 minutes: {'; '.join(trips) or 'none'}."


def main() -> None:
    """Print the tables."""
    for name in sys.argv[1:] or ("cooling_station", "water_loop"):
        print(f"## {name}\n", *effects(name, seed=1), "", sep="\n")
    print(f"<!-- {machine()['processor']}, commit {commit()} -->")


if __name__ == "__main__":
    main()
