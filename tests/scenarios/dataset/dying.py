"""Work that workers import: shards like any other, but for one whose maker is killed."""

import os
import signal
from collections.abc import Sequence

from scenarios.dataset.making import Common, Part, shards
from scenarios.results import Failed, Result


def dying(common: Common, parts: Sequence[Part]) -> list[Result | Failed]:
    """Return shards; the process that is to make the second one dies."""
    if parts[0].key == "shard-00001":
        os.kill(os.getpid(), signal.SIGKILL)
    return shards(common, parts)
