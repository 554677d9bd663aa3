"""Standard output and error as the commands use them: what they can show, and what happens when they cannot."""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata

from advisor.errors import EnvironmentLacksError
from advisor.files import reason

# What stands for the characters that the rules use, where the encoding has only ASCII.
_ASCII = {"\N{HORIZONTAL ELLIPSIS}": "...", "\N{RIGHTWARDS ARROW}": "->", "\N{GREATER-THAN OR EQUAL TO}": ">="}
_ASCII |= {"\N{LESS-THAN OR EQUAL TO}": "<=", "\N{NOT EQUAL TO}": "!=", "\N{MULTIPLICATION SIGN}": "x"}
_ASCII |= {"\N{EN DASH}": "-", "\N{EM DASH}": "-", "\N{RIGHT SINGLE QUOTATION MARK}": "'"}
_HANDLER = "mcp-advisor"


def emit(text: str) -> None:
    """Write to standard output now, in whatever encoding it has.

    A closed pipe (`| head`) is no error, and the exit code stays that of the command.

    Raises:
        EnvironmentLacksError: it cannot be written (a full disk, a closed file).
    """
    stream = sys.stdout
    if stream is None:
        raise EnvironmentLacksError("There is no standard output to write to.")
    _tolerate()
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError) as error:
        # Python would try to write the rest once more at exit and complain a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError):
            raise EnvironmentLacksError(f"The output cannot be written: {reason(error)}.") from None


def say(text: str) -> None:
    """Write a line to standard error, for people."""
    if sys.stderr is not None:
        print(text, file=sys.stderr)


def is_unicode() -> bool:
    """Whether standard output can carry every character."""
    return (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "").startswith("utf")


def width() -> int:
    """Columns of the terminal, `COLUMNS` first; 80 where there is none."""
    stated = os.environ.get("COLUMNS", "")
    if stated.isdigit() and int(stated) > 0:
        return int(stated)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError, AttributeError):
        return 80


def wants_colour() -> bool:
    """Whether escape sequences are welcome: a terminal that knows them, `FORCE_COLOR`, and never with `NO_COLOR`."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def _tolerate() -> None:
    """Replace what the encoding lacks instead of failing."""
    codecs.register_error(_HANDLER, _replace)
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None and not is_unicode():
        reconfigure(errors=_HANDLER)
    elif reconfigure is not None:
        reconfigure(errors="backslashreplace")  # lone surrogates, out of file names


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(char: str) -> str:
    """A character in ASCII: what stands for it, else the letter without its accents, else `?`."""
    bare = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return _ASCII.get(char) or bare or ("?" if not unicodedata.combining(char) else "")
