"""The pocket that an instrument sits in: a lag of first order between the process and what the instrument feels."""

import numpy as np


class Pockets:
    """Lags of several instruments of one sampling period, exact for what moves linearly between two samples.

        tau dy/dt = x - y,   y = x at the first sample

    Parameters
    ----------
    lags : numpy.ndarray
        Time constants, 0 for an instrument without a pocket, shape (tags,) [s].
    period : float
        Time between two samples [s].
    """

    def __init__(self, lags: np.ndarray, period: float) -> None:
        self._slow = np.flatnonzero(lags > 0.0)
        ratio = period / lags[self._slow]
        gone = -np.expm1(-ratio)
        mean = gone / ratio
        self._kept = np.exp(-ratio)[:, None]
        self._from_before, self._from_now = (mean - self._kept[:, 0])[:, None], (1.0 - mean)[:, None]
        self._before: np.ndarray | None = None
        self._felt: np.ndarray | None = None

    def felt(self, truth: np.ndarray) -> np.ndarray:
        """Return what the instruments feel of samples of shape (tags, members, n); blocks come in order.

        The result of a long block is that of its parts, bit for bit.
        """
        if not self._slow.size or not truth.shape[2]:
            return truth
        out, slow = truth.copy(), truth[self._slow]
        before = slow[:, :, 0] if self._before is None else self._before
        felt = slow[:, :, 0] if self._felt is None else self._felt
        for i in range(slow.shape[2]):
            if i or self._before is not None:
                felt = self._kept * felt + self._from_before * before + self._from_now * slow[:, :, i]
            before = slow[:, :, i]
            out[self._slow, :, i] = felt
        self._before, self._felt = before.copy(), felt
        return out
