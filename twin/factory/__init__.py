"""The factory that a live twin watches, where there is no real one: a plant with hidden numbers and hidden faults."""
