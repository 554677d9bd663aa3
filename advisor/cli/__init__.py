"""The command line: thin commands over the core, and the one place where errors become exit codes."""

from __future__ import annotations

import gc
import os
import sys

from advisor.errors import AdvisorError, Exit


def main(arguments: list[str] | None = None) -> None:
    """Run the program and exit.

    Args:
        arguments: what stands behind the program's name; `sys.argv` by default.
    """
    # A run is short and makes hardly any cycles; looking for them takes a tenth of its time.
    gc.disable()
    from advisor.cli.app import app

    try:
        code = app(args=arguments, prog_name="mcp-advisor", standalone_mode=False)
    except AdvisorError as error:
        _say(str(error))
        code = error.code
    except KeyboardInterrupt:
        _say("Interrupted.")
        code = Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader of the pipe has ended (`| head`). Without this, Python reports a second error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Exit.OK
    except Exception as error:
        code = _usage(error)
    sys.exit(int(code or 0))


def _usage(error: Exception) -> int:
    """Show an error of the command-line parser; anything else is a defect and is raised."""
    show = getattr(error, "show", None)
    if show is None:
        if type(error).__name__ == "Abort":
            return Exit.INTERRUPTED
        raise error
    show()
    return int(getattr(error, "exit_code", Exit.USAGE))


def _say(message: str) -> None:
    print(message, file=sys.stderr)
