"""Reads the directives of Caddyfiles, with their snippets and imported files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from advisor.deployment.model import NotRead
from advisor.findings import Location
from advisor.sources.proxies.placeholders import CADDY, Template
from advisor.sources.proxies.wording import LONGEST, Files

DEEPEST = 30
MOST_DIRECTIVES = 20_000

_SPACE = re.compile(r"(?:[ \t\r]|\\\r?\n)+")
_TOKEN = re.compile(r'"((?:\\.|[^"\\])*)"|`([^`]*)`|((?:[^\s\\]|\\.)+)', re.DOTALL)
_HEREDOC = re.compile(r"<<(\w+)[ \t]*\r?\n(.*?)\n[ \t]*\1(?=\s|$)", re.DOTALL)
_ARGUMENT = re.compile(r"\{args(?:\[(\d+)\]|\.(\d+))\}")
_ALL_ARGUMENTS = ("{args[:]}", "{args.*}")
_DIRECTIVE = re.compile(r"^[ \t]*(?:reverse_proxy|import|handle|handle_path|route|respond)\b", re.MULTILINE)


def is_caddyfile(text: str, path: str) -> bool:
    """Whether a file is a Caddyfile, or a part of it."""
    base = path.rpartition("/")[2].lower()
    is_named = base.startswith("caddyfile") or base.endswith((".caddy", ".caddyfile")) or "caddyfile" in base
    is_other = base.endswith((".md", ".go", ".py", ".html", ".json", ".sh"))
    return is_named and not is_other and ("{" in text or _DIRECTIVE.search(text) is not None)


class CaddyDirective(NamedTuple):
    """A directive. `block` has the directives in its braces, or is None without braces."""

    name: str
    args: tuple[str, ...]
    block: tuple[CaddyDirective, ...] | None
    location: Location

    def named(self, *wanted: str) -> Iterator[CaddyDirective]:
        """Yield the directives of the block with these names."""
        return (inner for inner in self.block or () if inner.name in wanted)

    def first(self, name: str) -> str:
        """Return the first argument of the last directive of the block with this name, or ""."""
        found = [inner for inner in self.named(name) if inner.args]
        return found[-1].args[0] if found else ""


class _UnbalancedError(Exception):
    """The braces of a Caddyfile do not match. The text is the reason, as the end of a sentence."""


class CaddySyntax:
    """The blocks of Caddyfiles.

    Attributes:
        problems: what was not read.
        imported: the files that other files import.
    """

    def __init__(self, files: Files) -> None:
        """Args: files: the audited files. No other file is read."""
        self._files = files
        self._parsed: dict[str, tuple[CaddyDirective, ...] | None] = {}
        self._folders: dict[str, list[str]] | None = None
        self._count = 0
        self.problems: list[NotRead] = []
        self.imported: set[str] = set()

    def blocks(self, path: str, text: str | None = None) -> tuple[CaddyDirective, ...] | None:
        """Return the blocks of a file without its imports, or None with a note in `problems`."""
        if path not in self._parsed:
            self._parsed[path] = self._parse(self._files[path] if text is None else text, path)
        return self._parsed[path]

    def expanded(self, path: str, text: str | None = None) -> list[CaddyDirective] | None:
        """Return the blocks of a file with snippets and imported files in place, or None if it cannot be read."""
        blocks = self.blocks(path, text)
        if blocks is None:
            return None
        self._count = 0
        outer = list(self._files_in(blocks, (path,)))
        snippets = {block.name[1:-1]: block for block in outer if _is_snippet(block)}
        return list(self._expand([block for block in outer if not _is_snippet(block)], snippets, (path,)))

    def _files_in(self, blocks: Iterable[CaddyDirective], chain: tuple[str, ...]) -> Iterator[CaddyDirective]:
        """Yield the outer blocks, with those of the files that outer lines import."""
        for block in blocks:
            inner = list(self._imported(block, chain[-1])) if block.name == "import" else []
            if not inner:
                yield block
            for path in inner:
                found = None if path in chain or len(chain) > DEEPEST else self.blocks(path)
                yield from self._files_in(found or (), (*chain, path))

    def _expand(
        self, blocks: Iterable[CaddyDirective], snippets: dict[str, CaddyDirective], chain: tuple[str, ...]
    ) -> Iterator[CaddyDirective]:
        for block in blocks:
            self._count += 1
            if self._count > MOST_DIRECTIVES:
                self._note(chain[0], f"the file and its imports have more than {MOST_DIRECTIVES:,} directives")
                return
            if block.name == "import" and block.args:
                yield from self._import(block, snippets, chain)
            elif block.block is not None:
                yield block._replace(block=tuple(self._expand(block.block, snippets, chain)))
            else:
                yield block

    def _import(
        self, block: CaddyDirective, snippets: dict[str, CaddyDirective], chain: tuple[str, ...]
    ) -> Iterator[CaddyDirective]:
        name = block.args[0]
        if name in chain or len(chain) > DEEPEST:
            return
        if name in snippets:
            body = [_filled(inner, block.args[1:]) for inner in snippets[name].block or ()]
            yield from self._expand(body, snippets, (*chain, name))
            return
        paths = list(self._imported(block, block.location.path))
        if not paths:
            place = block.location
            self._note(place.path, f"line {place.line} imports {name}, which is not among the audited files")
        for path in paths:
            found = None if path in chain else self.blocks(path)
            own = [_filled(inner, block.args[1:]) for inner in found or ()]
            yield from self._expand(own, snippets, (*chain, path))

    def _imported(self, block: CaddyDirective, here: str) -> Iterator[str]:
        """Yield the audited files that an import names."""
        name = block.args[0] if block.args else ""
        relative = name.removeprefix("/etc/caddy/")
        if relative.startswith("/") or not relative:
            return
        pattern = posixpath.normpath(posixpath.join(posixpath.dirname(here), relative))
        if not set("*?[") & set(pattern):
            found = [pattern] if pattern in self._files else []
        else:
            found = self._matching(pattern)
        self.imported.update(found)
        yield from found

    def _matching(self, pattern: str) -> list[str]:
        """Return the audited files that a pattern names. A wildcard stands for a part of a file name."""
        if self._folders is None:
            self._folders = {}
            for path in sorted(self._files):
                self._folders.setdefault(posixpath.dirname(path), []).append(path)
        return [
            path
            for path in self._folders.get(posixpath.dirname(pattern), [])
            if fnmatchcase(posixpath.basename(path), posixpath.basename(pattern))
        ]

    def _note(self, path: str, why: str) -> None:
        if NotRead(path, why) not in self.problems:
            self.problems.append(NotRead(path, why))

    def _parse(self, text: str, path: str) -> tuple[CaddyDirective, ...] | None:
        if len(text) > LONGEST:
            self._note(path, f"longer than {LONGEST:,} characters")
            return None
        template = Template(text, CADDY)
        lines = (
            ([template.restored(word)[0] for word in words], Location(path, line))
            for words, line in _lines(template.text)
        )
        try:
            return tuple(_blocks(lines, 0))
        except _UnbalancedError as error:
            self._note(path, f"not a valid Caddyfile: {error}")
            return None


def _is_snippet(block: CaddyDirective) -> bool:
    return block.name.startswith("(") and block.name.endswith(")") and block.block is not None


def _filled(block: CaddyDirective, arguments: tuple[str, ...]) -> CaddyDirective:
    """Return a directive of a snippet with the arguments of the import."""
    if not arguments:
        return block

    def fill(text: str) -> str:
        return _ARGUMENT.sub(lambda match: _argument(match, arguments), text) if "{args" in text else text

    args: list[str] = []
    for arg in block.args:
        args.extend(arguments if arg in _ALL_ARGUMENTS else [fill(arg)])
    inner = None if block.block is None else tuple(_filled(found, arguments) for found in block.block)
    return CaddyDirective(fill(block.name), tuple(args), inner, block.location)


def _argument(match: re.Match[str], arguments: tuple[str, ...]) -> str:
    index = int((match[1] or match[2])[:4])
    return arguments[index] if index < len(arguments) else match[0]


def _lines(text: str) -> Iterator[tuple[list[str], int]]:
    """Yield the words of each line. A quoted word can have several lines."""
    position, line, start = 0, 1, 1
    words: list[str] = []
    while position < len(text):
        space = _SPACE.match(text, position)
        if space is not None:
            line += space[0].count("\n")
            position = space.end()
        elif text[position] == "\n":
            if words:
                yield words, start
            words = []
            line += 1
            position += 1
        elif text[position] == "#":
            end = text.find("\n", position)
            position = len(text) if end < 0 else end
        else:
            heredoc = _HEREDOC.match(text, position) if text.startswith("<<", position) else None
            token = heredoc or _TOKEN.match(text, position)
            if token is None:  # a quote without its end
                position += 1
                continue
            if not words:
                start = line
            if heredoc is not None:
                words.append(heredoc[2])
            else:
                quoted = token[1] if token[1] is not None else token[2]
                words.append(quoted.replace('\\"', '"') if quoted is not None else token[3])
            line += token[0].count("\n")
            position = token.end()
    if words:
        yield words, start


def _blocks(lines: Iterator[tuple[list[str], Location]], depth: int) -> Iterator[CaddyDirective]:
    if depth > DEEPEST:
        raise _UnbalancedError("the blocks are nested too deep")
    for words, place in lines:
        if words == ["}"]:
            if depth == 0:
                raise _UnbalancedError(f"unexpected }} in line {place.line}")
            return
        if words[-1] == "{":
            inner = tuple(_blocks(lines, depth + 1))
            name, args = (words[0], tuple(words[1:-1])) if len(words) > 1 else ("", ())
            yield CaddyDirective(name, args, inner, place)
        else:
            yield CaddyDirective(words[0], tuple(words[1:]), None, place)
    if depth:
        raise _UnbalancedError("the file ends in the middle of a block")
