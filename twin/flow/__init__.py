"""The factory around the equipment: parts, buffers, stations, and what stops them."""
