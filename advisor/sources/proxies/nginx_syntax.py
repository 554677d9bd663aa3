"""Reads the directives of nginx files and follows their includes among the audited files."""

from __future__ import annotations

import posixpath
import re
import tempfile
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from advisor.deployment.model import NotRead
from advisor.findings import Location
from advisor.sources.proxies.placeholders import NGINX, Template
from advisor.sources.proxies.wording import LONGEST, Files

MOST_DIRECTIVES = 10_000
DEEPEST_INCLUDE = 12
DEEPEST_BLOCK = 30

# nginx looks for relative includes in the folder of nginx.conf. Images and packages have this folder in these places.
_PREFIXES = (
    "/etc/nginx/",
    "/usr/local/nginx/conf/",
    "/usr/local/openresty/nginx/conf/",
    "/opt/bitnami/nginx/conf/",
    "/opt/homebrew/etc/nginx/",
)
# Packages of nginx bring these files. They have nothing about proxies.
_HARMLESS = re.compile(r".*(mime\.types|(fastcgi|uwsgi|scgi)_params|fastcgi\.conf|modules(-enabled)?/\*\.conf)")

_BLOCK = re.compile(
    r"^[ \t]*(?:(?:http|events|stream|server|upstream[ \t]+\S+|location[ \t][^{};\n]+|map[ \t][^{};\n]+)[ \t]*\{"
    r"|(?:proxy_pass|proxy_read_timeout|proxy_set_header|proxy_buffering|worker_processes|add_header)[ \t][^{};\n]*;)",
    re.MULTILINE,
)
_OTHER_NAMES = re.compile(r".*\.(py|md|rst|js|ts|tsx|go|rs|java|rb|tf|hcl|ya?ml|json|toml|html?|sh|cfg|txt|lock|css)")


def is_nginx(text: str, path: str) -> bool:
    """Whether a file is a configuration of nginx, or a part of it."""
    base = path.rpartition("/")[2].lower()
    for ending in (".template", ".tmpl", ".tpl", ".j2", ".jinja2", ".erb", ".example", ".sample"):
        base = base.removesuffix(ending)
    if base in ("caddyfile", "dockerfile") or _OTHER_NAMES.fullmatch(base):
        return False
    return _BLOCK.search(text) is not None and ";" in text


class Directive(NamedTuple):
    """A directive.

    Attributes:
        block: the directives in its braces, or None without braces.
        file: the file that has the directive, with its placeholders.
    """

    name: str
    args: tuple[str, ...]
    block: tuple[Directive, ...] | None
    location: Location
    file: Template

    def named(self, *wanted: str) -> Iterator[Directive]:
        """Yield the directives of the block with any of the names."""
        return (inner for inner in self.block or () if inner.name in wanted)


class NginxSyntax:
    """The directives of nginx files.

    Attributes:
        problems: what was not read.
        included: the files that other files include.
    """

    def __init__(self, files: Files) -> None:
        """Args: files: the audited files. No other file is read."""
        self._files = files
        self._parsed: dict[str, tuple[Directive, ...] | None] = {}
        self._folders: dict[str, list[str]] | None = None
        self._count = 0
        self.problems: list[NotRead] = []
        self.included: set[str] = set()

    def directives(self, path: str, text: str | None = None) -> tuple[Directive, ...] | None:
        """Return the directives of a file without those of its includes, or None with a note in `problems`."""
        if path not in self._parsed:
            text = self._files[path] if text is None else text
            self._parsed[path] = self._parse(text, path)
        return self._parsed[path]

    def expanded(self, path: str, text: str | None = None) -> tuple[Directive, ...] | None:
        """Return the directives of a file with those of its includes, or None if the file cannot be read."""
        directives = self.directives(path, text)
        self._count = 0
        return None if directives is None else tuple(self._expand(directives, path, (path,)))

    def _expand(self, directives: Iterable[Directive], main: str, chain: tuple[str, ...]) -> Iterator[Directive]:
        for directive in directives:
            self._count += 1
            if self._count > MOST_DIRECTIVES:
                self._note(main, f"the file and its includes have more than {MOST_DIRECTIVES:,} directives")
                return
            if directive.name == "include" and directive.args:
                for path in self._includes(directive, main):
                    self.included.add(path)
                    inner = None if path in chain or len(chain) > DEEPEST_INCLUDE else self.directives(path)
                    if inner is not None:
                        yield from self._expand(inner, main, (*chain, path))
            elif directive.block:
                yield directive._replace(block=tuple(self._expand(directive.block, main, chain)))
            else:
                yield directive

    def _includes(self, directive: Directive, main: str) -> list[str]:
        """Return the audited files that an include names."""
        pattern, is_dynamic = directive.file.restored(directive.args[0])
        here = directive.location
        if is_dynamic:
            self._note(here.path, f"the name of the included file in line {here.line} is a placeholder")
            return []
        relative = next((pattern[len(prefix) :] for prefix in _PREFIXES if pattern.startswith(prefix)), pattern)
        folders = [] if relative.startswith("/") else [posixpath.dirname(main), posixpath.dirname(here.path)]
        for folder in dict.fromkeys(folders):
            found = self._matching(posixpath.normpath(posixpath.join(folder, relative)))
            if found:
                return found
        if _HARMLESS.fullmatch(pattern):
            return []
        alone = self._alone(posixpath.basename(relative), here.path)
        if not alone:
            self._note(here.path, f"line {here.line} includes {pattern}, which is not among the audited files")
        return alone

    def _alone(self, name: str, here: str) -> list[str]:
        """Return the only audited file with a name, which an image can copy to another folder; empty for several."""
        found = [path for path in self._files if posixpath.basename(path) == name and path != here]
        return found if len(found) == 1 else []

    def _matching(self, pattern: str) -> list[str]:
        if not set("*?[") & set(pattern):
            return [pattern] if pattern in self._files else []
        if self._folders is None:
            self._folders = {}
            for path in sorted(self._files):
                self._folders.setdefault(posixpath.dirname(path), []).append(path)
        parts = pattern.split("/")
        return [
            path
            for folder, paths in self._folders.items()
            if folder.count("/") + bool(folder) == len(parts) - 1
            for path in paths
            if all(fnmatchcase(name, part) for name, part in zip(path.split("/"), parts, strict=True))
        ]

    def _note(self, path: str, why: str) -> None:
        if NotRead(path, why) not in self.problems:
            self.problems.append(NotRead(path, why))

    def _parse(self, text: str, path: str) -> tuple[Directive, ...] | None:
        if len(text) > LONGEST:
            self._note(path, f"longer than {LONGEST:,} characters")
            return None
        template = Template(text, NGINX)
        if _depth(template.text) > DEEPEST_BLOCK:
            self._note(path, "the blocks are nested too deep")
            return None
        try:
            return _tree(template, path)
        except _SyntaxError as error:
            place = f" (line {error.line})" if error.line else ""
            self._note(path, f"not valid for nginx{place}: {error}")
            return None


class _SyntaxError(Exception):
    def __init__(self, said: str, line: int | None = None) -> None:
        super().__init__(said)
        self.line = line


def _depth(text: str) -> int:
    """Return how deep the blocks of a text are nested. Braces in strings and comments count too."""
    deepest = depth = 0
    for brace in re.findall("[{}]", text):
        depth = depth + 1 if brace == "{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def _tree(template: Template, path: str) -> tuple[Directive, ...]:
    """Return the directives of a file from the words that crossplane finds.

    crossplane can also make the tree. But it hides a missing semicolon, unless it also checks arguments, which it knows
    for old releases of nginx only.

    Raises:
        _SyntaxError: a block or a directive has no end.
    """
    import crossplane

    blocks: list[list[Directive]] = [[]]
    heads: list[Directive] = []
    words: list[str] = []
    start = 0
    with tempfile.TemporaryDirectory(prefix="mcp-advisor-") as folder:
        file = Path(folder, "config")  # crossplane reads only files
        file.write_text(f"{template.text}\n", encoding="utf-8", errors="replace")
        try:
            for word, line, is_quoted in crossplane.lex(str(file)):
                if is_quoted or word not in ("{", "}", ";"):
                    if is_quoted or not word.startswith("#"):
                        start = start if words else line
                        words.append(word)
                    continue
                if word == "}":
                    if words:
                        raise _SyntaxError(f'directive "{words[0]}" is not terminated by ";"', start)
                    block = tuple(blocks.pop())
                    blocks[-1].append(heads.pop()._replace(block=block))
                elif words:
                    args = _condition(words[1:]) if words[0] == "if" else words[1:]
                    directive = Directive(words[0], tuple(args), None, Location(path, start), template)
                    if word == "{":
                        heads.append(directive)
                        blocks.append([])
                    else:
                        blocks[-1].append(directive)
                elif word == "{":
                    raise _SyntaxError('unexpected "{"', line)
                words = []
        except crossplane.errors.NgxParserSyntaxError as error:
            raise _SyntaxError(str(error.strerror), error.lineno) from None
    if words:
        raise _SyntaxError("the file ends in the middle of a directive")
    return tuple(blocks[0])


def _condition(args: list[str]) -> list[str]:
    """Return the words of an `if` without its parentheses."""
    if args and args[0].startswith("(") and args[-1].endswith(")"):
        args = [args[0][1:], *args[1:]]
        args = [*args[:-1], args[-1][:-1]]
        args = args[1:] if not args[0] and len(args) > 1 else args
        args = args[:-1] if not args[-1] and len(args) > 1 else args
    return args
