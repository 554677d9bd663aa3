"""Checks of the rules: the proof for all combinations of facts, and checks of the data."""
