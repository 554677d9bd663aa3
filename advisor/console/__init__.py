"""Everything that knows a terminal: canvas, width, colour, progress, standard output."""
