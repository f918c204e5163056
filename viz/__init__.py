"""The live view; knows documents and the service's client, never the simulator."""
