"""OPC UA status codes of readings: the two highest bits say good, uncertain or bad."""

GOOD = 0x00000000
"""OPC UA ``Good``: the value is a measurement."""
GOOD_LOCAL_OVERRIDE = 0x00960000
"""OPC UA ``GoodLocalOverride``: a person has set the value by hand."""
UNCERTAIN = 0x40000000
"""OPC UA ``Uncertain``: the value may be wrong, nobody says why."""
UNCERTAIN_LAST_USABLE_VALUE = 0x40900000
"""OPC UA ``UncertainLastUsableValue``: whatever wrote the value has stopped doing so."""
UNCERTAIN_SUBSTITUTE_VALUE = 0x40910000
"""OPC UA ``UncertainSubstituteValue``: the value was written by hand in place of the measured one."""
UNCERTAIN_SENSOR_NOT_ACCURATE = 0x40930000
"""OPC UA ``UncertainSensorNotAccurate``: at a limit of the sensor, or out of calibration."""
UNCERTAIN_ENGINEERING_UNITS_EXCEEDED = 0x40940000
"""OPC UA ``UncertainEngineeringUnitsExceeded``: outside the range declared for the tag."""
BAD = 0x80000000
"""OPC UA ``Bad``: the reading is missing or is no finite number; the value repeats the last good one."""
BAD_COMMUNICATION_ERROR = 0x80050000
"""OPC UA ``BadCommunicationError``: the link to the source failed on the way."""
BAD_NO_COMMUNICATION = 0x80310000
"""OPC UA ``BadNoCommunication``: the source isn't heard of."""
BAD_WAITING_FOR_INITIAL_DATA = 0x80320000
"""OPC UA ``BadWaitingForInitialData``: nothing has arrived yet."""
BAD_CONFIGURATION_ERROR = 0x80890000
"""OPC UA ``BadConfigurationError``: something is set up wrongly."""
BAD_NOT_CONNECTED = 0x808A0000
"""OPC UA ``BadNotConnected``: the tag was never connected to a source."""
BAD_DEVICE_FAILURE = 0x808B0000
"""OPC UA ``BadDeviceFailure``: the device behind the sensor has failed."""
BAD_SENSOR_FAILURE = 0x808C0000
"""OPC UA ``BadSensorFailure``: the sensor has failed."""
BAD_OUT_OF_SERVICE = 0x808D0000
"""OPC UA ``BadOutOfService``: the source was stopped on purpose."""
BAD_DATA_LOST = 0x809D0000
"""OPC UA ``BadDataLost``: readings are missing that will never come."""

HIGHEST = 0xBFFFFFFF
"""The severity 11 above it is reserved by OPC UA, and refused."""


def is_bad(quality: int) -> bool:
    """Return whether the value is no measurement."""
    return quality >= BAD


def is_uncertain(quality: int) -> bool:
    """Return whether the value may be wrong."""
    return UNCERTAIN <= quality < BAD
