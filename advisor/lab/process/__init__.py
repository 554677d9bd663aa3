"""The processes, ports, programs and environments of a run. The run removes all of them at its end."""
