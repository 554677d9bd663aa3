"""A process of a run, for tests: it can listen on a port, and it records the signals that it receives.

    python -I -S child.py [PORT] [--note FILE] [--deaf] [--grandchild]

--note FILE: writes a line for each SIGINT or SIGTERM. --deaf: ignores these signals. --grandchild: starts another child
in a session of its own. The process ends after a minute, so that a failed test leaves no process.
"""

import os
import signal
import socket
import subprocess
import sys

arguments = sys.argv[1:]
note = arguments[arguments.index("--note") + 1] if "--note" in arguments else os.devnull
deaf = "--deaf" in arguments


def told(number: int, frame: object) -> None:
    with open(note, "a") as file:  # noqa: PTH123 (starts without pathlib)
        file.write(signal.Signals(number).name + "\n")
    if not deaf:
        sys.exit(0)


signal.alarm(60)
signal.signal(signal.SIGINT, told)
signal.signal(signal.SIGTERM, told)
if "--grandchild" in arguments:
    subprocess.Popen([sys.executable, "-I", "-S", __file__], start_new_session=True)
listener = socket.socket()
if arguments and arguments[0].isdigit():
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(arguments[0])))
    listener.listen()
print("ready", flush=True)
while True:
    signal.pause()
