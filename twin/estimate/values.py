"""What is believed of unknowns, in SI instead of standardised."""

import numpy as np

from twin.estimate.sigma import LOGARITHMIC, Places


def in_si(places: Places, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return value and standard deviation of every unknown.

    Parameters
    ----------
    mean, spread : (n or more,)
        Standardised, as a `Trace` has them; what is behind the unknowns (biases) is left out.

    Returns
    -------
    numpy.ndarray
        Shape (2, n), SI; of what is relative the deviation is half of what lies between one deviation either way.
    """
    n = len(places.base)
    relative = places.kind == LOGARITHMIC

    def value(u: np.ndarray) -> np.ndarray:
        powers = np.where(relative, places.scale * u, 0.0)
        return np.where(relative, places.base * np.exp(powers), places.base + places.scale * u)

    mean, spread = mean[:n], spread[:n]
    return np.stack([value(mean), 0.5 * np.abs(value(mean + spread) - value(mean - spread))])
