"""`exercise`: two tools under the four flag pairs."""
