"""Checks of the knowledge: the proof over the whole fact space, and faults that show without deciding anything."""
