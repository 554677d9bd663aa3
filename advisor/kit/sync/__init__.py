"""Writes the files of a kit to disk: it plans the change of each file, merges edits, and writes complete files only."""
