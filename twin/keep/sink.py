"""A file that HDF5 can write to whatever happens to the disk.

HDF5 crashes the process that closes a file which met a full disk. Here a write never fails: the first error is kept,
and what comes after it is dropped. Whoever writes asks for the error, and throws the file away.
"""

import os


class Sink:
    """What h5py takes for a file object, on a descriptor.

    Parameters
    ----------
    handle : int
        A descriptor that is open for reading and writing.
    """

    def __init__(self, handle: int) -> None:
        self._handle, self._at, self._size = handle, 0, 0
        self.error: OSError | None = None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move as files do."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        """Return where it is."""
        return self._at

    def read(self, size: int) -> bytes:
        """Return what was written: h5py tells by this that we are a file."""
        buffer = bytearray(size)
        self.readinto(memoryview(buffer))
        return bytes(buffer)

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer; what was dropped reads as zeros."""
        found = b""
        if self.error is None:
            try:
                found = os.pread(self._handle, len(buffer), self._at)
            except OSError as err:
                self.error = err
        buffer[:] = found + bytes(len(buffer) - len(found))
        self._at += len(buffer)
        return len(buffer)

    def write(self, data: memoryview) -> int:
        """Write all of it, or drop it and note why."""
        at, end = self._at, self._at + len(data)
        try:
            while self.error is None and at < end:
                at += os.pwrite(self._handle, data[at - self._at :], at)
        except OSError as err:
            self.error = err
        self._at, self._size = end, max(self._size, end)
        return len(data)

    def truncate(self, size: int) -> int:
        """Set the length."""
        self._size = size
        try:
            if self.error is None:
                os.ftruncate(self._handle, size)
        except OSError as err:
            self.error = err
        return size

    def flush(self) -> None:
        """Do nothing: what is to last is synced in the end."""
