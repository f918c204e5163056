"""Labelled runs to train models with: made, checked, described, compared with reality, and read."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios.dataset.training import TwinDataset as TwinDataset

__all__ = ["TwinDataset"]


def __getattr__(name: str) -> Any:
    """Import `TwinDataset` when it is asked for: commands that don't read data start without HDF5."""
    if name == "TwinDataset":
        from scenarios.dataset.training import TwinDataset

        return TwinDataset
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
