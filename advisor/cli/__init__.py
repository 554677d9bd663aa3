"""The command line. Its commands call the core; `main` is the only place that turns errors into exit codes."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import sys

from advisor.console.output import say
from advisor.errors import AdvisorError, Exit
from advisor.files import lacking, reason


def main(arguments: list[str] | None = None) -> None:
    """Run the program and exit.

    Args:
        arguments: the arguments after the program's name. None stands for those of `sys.argv`.

    Raises:
        SystemExit: always, with the exit code.
    """
    # A run is short and creates almost no reference cycles. Collecting them takes a tenth of the run time.
    gc.disable()
    from advisor.cli.app import app

    try:
        code = app(args=arguments, prog_name="mcp-advisor", standalone_mode=False)
    except AdvisorError as error:
        code = error.code
        with contextlib.suppress(OSError):
            say(str(error))
        if code == Exit.HUNG_UP:
            _discard_output()
    except KeyboardInterrupt:
        say("Interrupted.")
        code = Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader of the pipe has ended (`| head`). Without this line, Python reports a second error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Exit.OK
    except MemoryError:
        say(f"The memory is not sufficient. {lacking(errno.ENOMEM)}.")
        code = Exit.ENVIRONMENT
    except Exception as error:
        code = _lacks(error) or _usage(error)
    sys.exit(int(code or 0))


def _discard_output() -> None:
    """Discard the rest of the output. The terminal is closed, and Python would end with exit code 120 because of it."""
    for descriptor in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _lacks(error: Exception) -> int:
    """Show an error that a setting of the machine avoids. Return its exit code, or 0 for any other error."""
    remedy = lacking(error.errno) if isinstance(error, OSError) else ""
    if not remedy:
        return 0
    say(f"{reason(error)[:1].upper()}{reason(error)[1:]}. {remedy}.")
    return Exit.ENVIRONMENT


def _usage(error: Exception) -> int:
    """Show an error of the command-line parser and return its exit code. Any other error is a defect and is raised."""
    show = getattr(error, "show", None)
    if show is None:
        if type(error).__name__ == "Abort":
            return Exit.INTERRUPTED
        raise error
    if possible := getattr(error, "possibilities", None):
        from advisor.requirements.text import nearest

        # The parser words the same hint in another way for options than for commands and values.
        typed = str(getattr(error, "option_name", "") or getattr(error, "command_name", ""))
        vars(error).update(
            message=f"{vars(error)['message'].rstrip('.')}. {nearest(typed, possible)}".rstrip(), possibilities=None
        )
    show()
    return int(getattr(error, "exit_code", Exit.USAGE))
