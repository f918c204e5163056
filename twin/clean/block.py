"""Readings as columns, and the OPC UA status codes that say how far to trust them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin import quality as codes
from twin.quality import BAD as BAD
from twin.quality import GOOD as GOOD
from twin.quality import UNCERTAIN as UNCERTAIN

STATUSES = {
    "Good": codes.GOOD,
    "GoodLocalOverride": codes.GOOD_LOCAL_OVERRIDE,
    "Uncertain": codes.UNCERTAIN,
    "UncertainLastUsableValue": codes.UNCERTAIN_LAST_USABLE_VALUE,
    "UncertainSubstituteValue": codes.UNCERTAIN_SUBSTITUTE_VALUE,
    "UncertainSensorNotAccurate": codes.UNCERTAIN_SENSOR_NOT_ACCURATE,
    "UncertainEngineeringUnitsExceeded": codes.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED,
    "Bad": codes.BAD,
    "BadCommunicationError": codes.BAD_COMMUNICATION_ERROR,
    "BadNoCommunication": codes.BAD_NO_COMMUNICATION,
    "BadConfigurationError": codes.BAD_CONFIGURATION_ERROR,
    "BadNotConnected": codes.BAD_NOT_CONNECTED,
    "BadDeviceFailure": codes.BAD_DEVICE_FAILURE,
    "BadSensorFailure": codes.BAD_SENSOR_FAILURE,
    "BadOutOfService": codes.BAD_OUT_OF_SERVICE,
    "BadDataLost": codes.BAD_DATA_LOST,
}
"""The status codes that recipes may name."""

NEVER = np.iinfo(np.int64).min
"""The time of what has not happened."""


class Block(NamedTuple):
    """Readings in order of arrival, all columns of shape (n,).

    Attributes
    ----------
    tag : numpy.ndarray
        Which tag each is of, an index, intp.
    time : numpy.ndarray
        When it was measured [microseconds UTC], int64.
    value : numpy.ndarray
        float64; where it is no finite number the quality is Bad.
    quality : numpy.ndarray
        OPC UA status codes, uint32.
    """

    tag: np.ndarray
    time: np.ndarray
    value: np.ndarray
    quality: np.ndarray

    @classmethod
    def of(
        cls,
        tag: Sequence[int] | np.ndarray,
        time: Sequence[int] | np.ndarray,
        value: Sequence[float] | np.ndarray,
        quality: Sequence[int] | np.ndarray | None = None,
    ) -> "Block":
        """Return a block of these columns in the types promised; every reading is Good unless said."""
        tags = np.asarray(tag, np.intp)
        return cls(
            tags,
            np.asarray(time, np.int64),
            np.asarray(value, np.float64),
            np.zeros(tags.size, np.uint32) if quality is None else np.asarray(quality, np.uint32),
        )

    def part(self, which: slice | np.ndarray) -> "Block":
        """Return some of the readings, by slice, mask or index."""
        return Block(self.tag[which], self.time[which], self.value[which], self.quality[which])


def joined(blocks: Sequence[Block]) -> Block:
    """Return the readings of all blocks, one after another."""
    if not blocks:
        return Block.of([], [], [])
    return Block(*(np.concatenate(columns) for columns in zip(*blocks, strict=True)))


def is_bad(quality: np.ndarray) -> np.ndarray:
    """Return which status codes are Bad; the fourth severity, which OPC UA keeps free, counts as Bad."""
    return np.asarray(quality >= BAD)


def worse(quality: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the code of the higher severity of each two; the first one where these are equal."""
    return np.where((other >> 30) > (quality >> 30), other, quality)
