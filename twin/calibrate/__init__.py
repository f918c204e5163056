"""Calibration: parameters of a plant from recordings, and how well its free run agrees with them."""
