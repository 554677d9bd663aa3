"""Readers of files that this program did not write, such as the code of a server. They never run the files."""
