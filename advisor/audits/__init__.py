"""Judges what the readers of `sources` found: findings, and the facts for a requirements file."""
