"""How hand-written kernels are compiled, and that no machine code of other sources is loaded for them."""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

COMPILED = {"cache": True, "error_model": "numpy", "nogil": True}
"""Of what Python calls."""
INNER = {**COMPILED, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Of what compiled code alone calls."""
BARE = {**INNER, "_nrt": False}
"""Of what makes no arrays: without counting references to those it sees."""
INLINED = {**BARE, "forceinline": True}
"""Of what is copied to where it is called: a call passes every array of a tuple by value."""

STAMP = "sources.sha256"


def refresh(folders: Iterable[Path]) -> bool:
    """Remove the machine code of folders whose sources aren't those it was compiled from; return whether any was.

    numba looks at the file of a function, never at what that calls in other files: after an edit there, or an update
    of an editable checkout, it would go on with the old code. Where nothing can be written it keeps nothing here.
    """
    places = list(folders)
    whole = hashlib.sha256()
    for source in sorted(path for place in places for path in place.glob("*.py")):
        whole.update(source.name.encode() + b"\0" + source.read_bytes())
    changed = False
    for cache in [place / "__pycache__" for place in places]:
        stamp = cache / STAMP
        with suppress(OSError):
            if stamp.exists() and stamp.read_text() == whole.hexdigest():
                continue
            for kept in [*cache.glob("*.nbi"), *cache.glob("*.nbc")]:
                kept.unlink(missing_ok=True)
                changed = True
            cache.mkdir(exist_ok=True)
            stamp.write_text(whole.hexdigest())
    return changed


refresh(Path(__file__).parent / name for name in ("", "estimate", "flow"))
