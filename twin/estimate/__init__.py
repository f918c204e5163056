"""Estimation: what the readings tell about states, parameters and faults that nobody measures."""
