"""Validation: twins fitted to recordings of real equipment, scored on what they were not fitted to, as pages."""
