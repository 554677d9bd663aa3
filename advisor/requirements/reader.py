"""Reads YAML and JSON files as plain data with line numbers.

The author of a file can be a stranger. So the reader refuses everything that is too large or is not plain data: tags,
merge keys, recursive aliases, further documents and control characters.
"""

import math
import os
import pathlib
import re
import stat
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn, TypeAlias

import yaml

from advisor.files import reason
from advisor.requirements import text

MAX_BYTES = 1024 * 1024  # The size limits the memory and time of all later steps. A requirements file has a few KiB.
MAX_DEPTH = 32  # Nested collections. Code can recurse over the data without a stack overflow.
MAX_NODES = 20_000  # Keys, values and collections after the expansion of aliases. The limit stops alias bombs.
MAX_NUMBER = 100  # Characters. A longer number stays text, because int() refuses thousands of digits.

NEIGHBOUR = "requirements.yaml"
"""The name of the requirements file in the folder of a kit, where a decision document is next to it."""

Path: TypeAlias = tuple[str | int, ...]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the loader of libyaml is about ten times faster
_MEANINGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False, "null": None}
_WORDS = {form: value for word, value in _MEANINGS.items() for form in (word, word.capitalize(), word.upper())}
_WORDS |= {"": None, "~": None}
# Group 1 is an integer. A number with a leading zero (0755) stays text, because some readers take it for octal.
_NUMBER = re.compile(r"([-+]?(?:0|[1-9][0-9]*))|[-+]?(?:[0-9]+(?:\.[0-9]*|(?=[eE]))|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
# Control characters and lone surrogates from escapes such as "\x1b" can harm a terminal, a path or an encoder.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_TOO_DEEP = f"the nesting is deeper than {MAX_DEPTH} levels"
_FLATTEN = "Such a file needs at most 4 levels."
_NO_ALIAS = "Write the values without this alias."
_REMOVE = "Remove the character."
# libyaml 0.2.6 stops at 1,000 levels. It reads ahead, so it can stop before the reader counts MAX_DEPTH levels.
_PARSER_DEPTH = "exceeded maximum nesting depth"
_NOT_ALLOWED = "character U+{:04X} is not allowed"
_HINTS = {  # from a part of the parser's message, in lower case, to the most likely fix
    "tab character": "Indent with spaces, not tabs.",
    "mapping values are not allowed": 'Check the indentation, or quote a value that contains ": ".',
    "cannot start any token": "Quote a value that starts with this character.",
    "alphabetic or numeric": "Quote a value that starts with * or &.",
    "unicode character escape": r"Write the character itself instead of \u escapes.",
}


class FileKind(NamedTuple):
    """A kind of file that people write.

    Attributes:
        name: the kind with its article, for messages.
        example: a sentence that says how to get a valid file.
        most: the most keys, values and collections.
    """

    name: str
    example: str
    most: int = MAX_NODES


REQUIREMENTS = FileKind("a requirements file", "To see a requirements file, run `mcp-advisor init`.")


class SourceFloat(float):
    """A float that stores its notation, so that the version 1.30 does not become 1.3."""

    def __init__(self, source: str) -> None:
        self.source = source


SUFFIXES = (".yaml", ".yml", ".json")
"""The ends of the names of requirements files, in lower case."""

_KINDS = {dict: "a mapping", list: "a list", bool: "a boolean", int: "an integer", SourceFloat: "a float"}


class ReadError(Exception):
    """A file cannot be read. `str()` returns `name:line: problem. hint` without the parts that are None.

    `line` and `column` are 1-based and count characters. `problem` is a sentence without a full stop.
    """

    def __init__(self, name: str, line: int | None, column: int | None, problem: str, hint: str | None = None) -> None:
        super().__init__(name, line, column, problem, hint)
        self.name, self.line, self.column, self.problem, self.hint = name, line, column, problem, hint

    def __str__(self) -> str:
        where = self.name if self.line is None else f"{self.name}:{self.line}"
        return f"{where}: {self.problem}" + (f". {self.hint}" if self.hint else "")


class SourceDocument(NamedTuple):
    """The data of a file with its line numbers.

    Attributes:
        name: the name of the file for messages.
        data: dict (with str keys), list, str, int, SourceFloat, bool or None. Do not change it, because aliases share
            their data.
        lines: the 1-based line of each mapping key and list item, by its path. The path of the file is ().
        neighbour: whether the folder of the file has `NEIGHBOUR`, the requirements file of a kit.
    """

    name: str
    data: object
    lines: Mapping[Path, int]
    neighbour: bool = False

    def line_of(self, path: Path) -> int:
        """Return the line of `path`, or of its nearest ancestor with a line. Inside an alias, this is the alias."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_path(path: str | os.PathLike[str], kind: FileKind = REQUIREMENTS) -> SourceDocument:
    """Read a file as UTF-8 YAML or JSON.

    Args:
        path: the file.
        kind: the kind of file that is expected.

    Raises:
        ReadError: the file is missing, unreadable or not a regular file, or its content is refused.
    """
    name = shown if (shown := os.fspath(path)).isprintable() else ascii(shown)
    try:
        mode = pathlib.Path(path).stat().st_mode  # before the file is opened, because opening some devices has effects
        if not stat.S_ISREG(mode):
            found = "a directory" if stat.S_ISDIR(mode) else "a special file"
            raise ReadError(name, None, None, f"this is {found}, not a regular file", f"Name {kind.name}.")
        # Non-blocking, because a named pipe can replace the file after the check. Then `read` can return None.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            raw = file.read(MAX_BYTES + 1) or b""
    except (OSError, ValueError) as error:  # ValueError: a NUL or a lone surrogate in the path
        hint = _similar_file(pathlib.Path(path)) if isinstance(error, FileNotFoundError) else None
        raise ReadError(name, None, None, f"the file cannot be read: {reason(error)}", hint) from None
    return read_bytes(raw, name, kind)._replace(neighbour=pathlib.Path(path).with_name(NEIGHBOUR).exists())


def _similar_file(path: pathlib.Path) -> str | None:
    """Return `Did you mean 'NAME'?` with a file of the folder that has a similar name; None without such a file."""
    try:
        files = [file for file in path.parent.iterdir() if file.suffix.lower() in SUFFIXES]
    except OSError:
        return None
    return text.nearest(path.name, (), {file.name: str(file) for file in sorted(files)}) or None


def read_bytes(raw: bytes, name: str, kind: FileKind = REQUIREMENTS) -> SourceDocument:
    """Read `raw` as UTF-8 YAML or JSON, with or without a BOM. Messages call it `name`.

    Raises:
        ReadError: the content is refused.
    """
    if len(raw) > MAX_BYTES:
        raise ReadError(name, None, None, f"the file is larger than {MAX_BYTES // 1024} KiB", kind.example)
    try:
        text = raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line, column = _position(raw[: error.start].decode().removeprefix("\ufeff"))
        encoding = "UTF-16, not" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "not valid"
        raise ReadError(name, line, column, f"the file is {encoding} UTF-8", "Save it as UTF-8.") from None
    builder = _Builder(name, kind)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.feed(event)
    except (
        yaml.YAMLError,
        ValueError,
        OverflowError,
    ) as error:  # invalid escapes raise the last two in the pure-Python parser
        raise _parser_error(text, name, error, kind) from None
    return SourceDocument(name, builder.root, builder.lines)


def _position(before: str) -> tuple[int, int]:
    lines = f"{before}.".splitlines()  # 1-based line and column of the character that follows `before`
    return len(lines), len(lines[-1])


def _parser_error(text: str, name: str, error: Exception, kind: FileKind) -> ReadError:
    """Return the error of the parser as one sentence, with the line where the broken construct starts."""
    if isinstance(error, yaml.reader.ReaderError):
        line, column = _position(text.partition(chr(error.character))[0])
        fix = _REMOVE if error.character else "Save it as UTF-8 text."  # NUL characters point to UTF-16
        return ReadError(name, line, column, _NOT_ALLOWED.format(error.character), fix)
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return ReadError(name, None, None, "the file is not valid YAML", kind.example)
    problem, mark, start = f"{error.problem} {error.context or ''}".rstrip(), error.problem_mark, error.context_mark
    if _PARSER_DEPTH in problem:
        return ReadError(name, mark.line + 1, mark.column + 1, _TOO_DEEP, _FLATTEN)
    if start and start.line != mark.line:
        problem += f" that starts on line {start.line + 1}"
    clue = "tab character" if text[mark.index : mark.index + 1] == "\t" else problem.lower()
    advice = next((advice for part, advice in _HINTS.items() if part in clue), None)
    return ReadError(name, mark.line + 1, mark.column + 1, problem, advice)


def _resolve(value: str) -> object:
    """Return a plain scalar in its type of the YAML 1.2 core schema. YAML 1.1 booleans are booleans too."""
    if value in _WORDS:
        return _WORDS[value]
    if value[0] not in "0123456789+-." or len(value) > MAX_NUMBER or not (match := _NUMBER.fullmatch(value)):
        return value
    number = int(value) if match[1] else SourceFloat(value)
    return number if math.isfinite(number) else value  # 1e999 stays text, because it would be infinity


class _Builder:
    """Builds the data from the events of the parser, with a stack instead of recursion."""

    def __init__(self, name: str, kind: FileKind) -> None:
        self.name, self.kind = name, kind
        self.root: object = _Builder  # means that there is no document yet
        self.lines: dict[Path, int] = {(): 1}
        self.anchors: dict[str, object] = {}
        # The open collections with their paths. The first entry is the root.
        self.stack: list[tuple[Any, Path]] = [(None, ())]
        self.entry: Path | None = None  # The path of the key that waits for its value, in a mapping.
        self.mark: Any = None  # The start of the current event.
        self.nodes = self.copied = 0  # The number of values, and of the characters that aliases repeat.

    def refuse(self, problem: str, hint: str | None = None) -> NoReturn:
        raise ReadError(self.name, self.mark.line + 1, self.mark.column + 1, problem, hint)

    def feed(self, event: yaml.Event) -> None:
        self.mark = event.start_mark
        if isinstance(event, yaml.NodeEvent):
            self.take(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not _Builder:
            self.refuse("a second document starts here", "A file has one document. Split the file.")
        elif isinstance(event, yaml.StreamEndEvent) and self.root is _Builder:
            raise ReadError(self.name, None, None, "the file is empty", self.kind.example)

    def take(self, event: yaml.NodeEvent) -> None:
        """Add a scalar, an alias or the start of a collection as the root, a key, a value or an item."""
        node, path = self.stack[-1]
        value = self.alias(event.anchor or "") if isinstance(event, yaml.AliasEvent) else self.value(event)
        if path_of_key := self.entry:
            node[path_of_key[-1]], self.entry, path = value, None, path_of_key
        elif node is None:
            self.root = value
        else:
            if type(node) is dict:
                path = self.entry = (*path, self.key(event, value))
                if path in self.lines:
                    self.refuse(f"key {value!r:.60} is already on line {self.lines[path]}", "Remove one of the two.")
            else:
                path = (*path, len(node))
                node.append(value)
            self.lines[path] = self.mark.line + 1
        if isinstance(event, yaml.CollectionStartEvent):
            if len(self.stack) > MAX_DEPTH:
                self.refuse(_TOO_DEEP, _FLATTEN)
            self.stack.append((value, path))

    def value(self, event: yaml.NodeEvent) -> object:
        self.nodes += 1
        if self.nodes > self.kind.most:
            self.refuse(f"the file has more than {self.kind.most} values", self.kind.example)
        if tag := getattr(event, "tag", None):
            tag = tag.replace("tag:yaml.org,2002:", "!!", 1)[:60]
            self.refuse(f"tag {tag!r} is not allowed", "Remove the tag. To make a value text, quote the value.")
        value: object = {} if isinstance(event, yaml.MappingStartEvent) else []
        if isinstance(event, yaml.ScalarEvent):
            if event.style == '"' and (bad := _CONTROL.search(event.value)):
                self.refuse(_NOT_ALLOWED.format(ord(bad[0])), _REMOVE)
            value = _resolve(event.value) if event.implicit[0] else event.value
            if value is None and not event.value and len(self.stack) == 1:
                raise ReadError(self.name, None, None, "the file is empty", self.kind.example)  # except a `---`
        if event.anchor:
            self.anchors[event.anchor] = value
        return value

    def key(self, event: yaml.NodeEvent, value: object) -> str:
        text = getattr(event, "value", None)  # None for a collection or an alias
        if text == "<<" and not getattr(event, "style", None):
            self.refuse("merge key '<<' is not allowed", "Copy the merged entries to this mapping.")
        if not isinstance(value, str):
            hint = "Quote text that starts with { or [." if text is None else f'Quote it: "{text}".'
            shown = "this key" if text is None else f"key {text!r:.60}"
            self.refuse(f"{shown} is {_KINDS.get(type(value), 'null')}, not text", hint)
        return value

    def alias(self, anchor: str) -> object:
        """Return the value of an anchor. Each use adds to the limits, because later code walks each use."""
        if anchor not in self.anchors:
            self.refuse(f"alias '*{anchor:.60}' has no anchor before it", "If the value is text, quote the value.")
        value = self.anchors[anchor]
        if value is not None and any(value is node for node, _ in self.stack):
            self.refuse(f"alias '*{anchor:.60}' is inside its own anchor", _NO_ALIAS)
        depth, level = len(self.stack) - 1, [value]
        while level:
            self.nodes += len(level)
            self.copied += sum(len(item) for item in level if type(item) is str)
            parents: list[Any] = [item for item in level if type(item) in (dict, list)]
            depth += bool(parents)
            level = [part for item in parents for part in (*item, *(item.values() if type(item) is dict else ()))]
        if self.nodes > self.kind.most or self.copied > MAX_BYTES or depth > MAX_DEPTH:
            self.refuse(f"alias '*{anchor:.60}' makes the data too large or too deep", _NO_ALIAS)
        return value
