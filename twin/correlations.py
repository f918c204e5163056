"""Property correlations that several pieces of equipment share; plain functions of floats, in SI."""
