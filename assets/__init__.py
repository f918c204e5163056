"""One file, one piece of equipment; a file here imports `twin.declare` and `twin.correlations` only."""
