"""Runs the two examples of findings with real programs and clients, and measures what the fault breaks."""
