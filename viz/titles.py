"""What assets and quantities are called, in the reader's language."""

from functools import lru_cache

from twin.monitor.texts import named
from viz.words import Language


@lru_cache(maxsize=4096)
def title(packed: str, language: Language) -> str:
    """Return the phrase that declares a quantity."""
    return named("place", packed, "doc", language)


@lru_cache(maxsize=1024)
def kind(packed: str, language: Language) -> str:
    """Return what kind of equipment an asset is."""
    return named("asset", packed, "kind", language)
