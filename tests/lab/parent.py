"""A program with a run of the lab, for tests that end it. It starts children that listen on ports, then waits.

    python parent.py [--children N] [--note FILE] [--deaf] [--stuck]

It prints `opening`, the port of each child, and `up`. --stuck: blocks its event loop.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from advisor.errors import AdvisorError
from advisor.lab.process import interruption
from advisor.lab.process.run import Launch, Run

signal.alarm(120)  # a killed test leaves no process
parser = argparse.ArgumentParser()
parser.add_argument("--children", type=int, default=5)
parser.add_argument("--note")
parser.add_argument("--deaf", action="store_true")
parser.add_argument("--stuck", action="store_true")
options = parser.parse_args()

child: list[str | Path] = [sys.executable, "-I", "-S", Path(__file__).with_name("child.py")]
more = ["--note", options.note] * bool(options.note) + ["--deaf"] * options.deaf


async def main() -> None:
    if options.stuck:
        interruption._STUCK_S = 0.2
    print("opening", flush=True)
    async with Run.open("parent") as run:
        for number in range(options.children):
            _, port = await run.start_on_port(f"child-{number}", lambda port: Launch([*child, str(port), *more]))
            print(port, flush=True)
        print("up", flush=True)
        if options.stuck:
            while True:
                pass
        await asyncio.Event().wait()


try:
    asyncio.run(main())
except AdvisorError as error:
    print(error, file=sys.stderr)
    sys.exit(error.code)
