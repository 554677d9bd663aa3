"""Processes, ports, programs and environments of a run, all of which end with it."""
