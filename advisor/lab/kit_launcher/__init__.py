"""The script that runs a generated server with the lab's tools. Python adds this folder to its path."""
