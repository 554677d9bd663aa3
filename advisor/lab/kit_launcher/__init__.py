"""The script that runs a generated server with the lab's tools, in a folder of its own (Python puts it on its path)."""
