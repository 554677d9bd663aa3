"""Output to terminals and files: layout, colours, progress and encodings."""
