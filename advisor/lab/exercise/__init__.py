"""`exercise`: compares two tools with the four flag pairs on a live server."""
