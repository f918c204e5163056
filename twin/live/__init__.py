"""The live twin: a replay that never ends, of what the journal holds."""
