"""Writes to standard output and standard error with the encoding, width and colours that the output supports."""

from __future__ import annotations

import codecs
import os
import re
import sys
import textwrap
import unicodedata

from advisor.errors import EnvironmentLacksError
from advisor.files import reason

# The replacements of characters in an encoding that has only ASCII.
_ASCII = {"\N{HORIZONTAL ELLIPSIS}": "...", "\N{RIGHTWARDS ARROW}": "->", "\N{GREATER-THAN OR EQUAL TO}": ">="}
_ASCII |= {"\N{LESS-THAN OR EQUAL TO}": "<=", "\N{NOT EQUAL TO}": "!=", "\N{MULTIPLICATION SIGN}": "x"}
_ASCII |= {"\N{EN DASH}": "-", "\N{EM DASH}": "-", "\N{RIGHT SINGLE QUOTATION MARK}": "'"}
_HANDLER = "mcp-advisor"
_COLUMNS = 80  # of a terminal that does not tell its width
_COMMAND = re.compile(r"`(mcp-advisor [^`]*)`(?:\.(?=\s|$)|$)")  # with the full stop, which is no part of the command
_QUOTED = re.compile(r"`[^`]*`")


def emit(text: str) -> None:
    """Write to standard output and flush it. Characters that the encoding lacks are replaced.

    A closed pipe (`| head`) is not an error.

    Raises:
        EnvironmentLacksError: standard output cannot be written, because the disk is full or the file is closed.
    """
    stream = sys.stdout
    if stream is None:
        raise EnvironmentLacksError("Standard output is closed. Run the command with an open standard output.")
    _tolerate()
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError) as error:
        # Otherwise Python writes the rest again at exit and reports a second error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError):
            raise EnvironmentLacksError(f"Standard output cannot be written: {reason(error)}.") from None


def say(text: str) -> None:
    """Write a message for people to standard error. On a terminal, lines are wrapped at words: see `wrapped`."""
    if sys.stderr is not None:
        print(wrapped(text, _columns_of_messages()) if sys.stderr.isatty() else text, file=sys.stderr)


def wrapped(text: str, columns: int) -> str:
    """Wrap the long lines of a message at words, for a terminal of so many columns.

    A command of this program at the end of a sentence gets a line of its own, which is never wrapped. An indented
    line, such as a command or a line of a log, stays as it is.
    """
    shown: list[str] = []
    for line in text.splitlines():
        if len(line) <= columns or line.startswith(" "):
            shown.append(line)
            continue
        for index, part in enumerate(_COMMAND.split(line)):
            is_command = index % 2 == 1  # the texts between the commands have even numbers
            shown += [f"  {part}"] if is_command else _filled(part.strip(), columns)
    return "\n".join(shown)


def _filled(prose: str, columns: int) -> list[str]:
    """Return the lines of a text; a text in backticks, such as a command, is never split."""
    whole = _QUOTED.sub(lambda quoted: quoted[0].replace(" ", "\N{NO-BREAK SPACE}"), prose)
    lines = textwrap.wrap(whole, columns, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def _columns_of_messages() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _COLUMNS
    except (OSError, ValueError):
        return _COLUMNS


def is_unicode() -> bool:
    """Return whether the encoding of standard output has every character."""
    return (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "").startswith("utf")


def width() -> int:
    """Return the width of the terminal in columns: the variable `COLUMNS`, else the terminal's width, else 80."""
    stated = os.environ.get("COLUMNS", "")
    if stated.isdigit() and int(stated) > 0:
        return int(stated)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError, AttributeError):
        return 80


def wants_colour() -> bool:
    """Return whether to write colours: on a terminal with colours or with `FORCE_COLOR`, but never with `NO_COLOR`."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def _tolerate() -> None:
    """Make standard output replace the characters that its encoding lacks."""
    codecs.register_error(_HANDLER, _replace)
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None and not is_unicode():
        reconfigure(errors=_HANDLER)
    elif reconfigure is not None:
        reconfigure(errors="backslashreplace")  # lone surrogates from file names


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(char: str) -> str:
    """Return a character in ASCII: its replacement, else the letter without accents, else `?`."""
    bare = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return _ASCII.get(char) or bare or ("?" if not unicodedata.combining(char) else "")
