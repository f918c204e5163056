"""Equipment digital twin: declare equipment, wire a plant, run, fork and record it."""

__version__ = "0.1.0"
