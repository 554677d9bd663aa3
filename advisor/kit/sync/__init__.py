"""Bring the files of a kit to disk: plan what happens to each, merge edits, write each whole."""
