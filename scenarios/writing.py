"""Files that are written whole or not at all."""

import os
import tempfile
from pathlib import Path

from twin.errors import DataError


def whole_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    DataError
        If it can't be written.
    """
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as err:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise DataError(f"{path}: can't be written: {err.strerror}; make room, finished results are kept") from None
