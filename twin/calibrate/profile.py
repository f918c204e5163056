"""Profile likelihoods: how well the rest can make up for one parameter that is held elsewhere."""

from typing import NamedTuple

import numpy as np

from twin.calibrate.fitting import Fit
from twin.calibrate.levenberg import solve

POINTS = 15
REACH = 3.0
"""The profile reaches this many standard deviations to either side."""


class Profile(NamedTuple):
    """Values of a parameter, SI, and twice the loss of log-likelihood at each; 3.84 is the 95 % limit."""

    name: str
    values: np.ndarray
    loss: np.ndarray


def profile(fit: Fit, name: str) -> Profile:
    """Return the profile likelihood of one of a fit's unknowns; all other unknowns are fitted anew at each value."""
    study = fit.study
    which = study.names.index(name)
    low, high = study.box.low[which], study.box.high[which]
    deviation = fit.estimates[which].deviation
    values = np.clip(fit.found[which] + deviation * np.linspace(-REACH, REACH, POINTS), low, high)
    starts = np.tile(fit.found, (POINTS, 1))
    starts[:, which] = values
    held = np.zeros((1, len(study.names)), bool)
    held[0, which] = True
    # Rows that say the same count once: each weighs as its share of independent ones.
    weight = study.weight(fit.sigma * np.sqrt(fit.memory))
    solved = solve(study, study.box, study.problems(starts, weight, held))
    at_best = solve(study, study.box, study.problems(fit.found[None], weight)).cost[0]
    return Profile(name, values, np.maximum(2.0 * (solved.cost - at_best), 0.0))
