"""The gateway's side of EQT/1: readings are stored, sent, and deleted once the twin has them on disk."""
