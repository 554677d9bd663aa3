"""Reads the directives of nginx files and follows their includes among the audited files."""

from __future__ import annotations

import posixpath
import re
import tempfile
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from advisor.deployment.model import NotRead
from advisor.findings import Location
from advisor.sources.proxies.placeholders import NGINX, Template
from advisor.sources.proxies.wording import LONGEST, Files

MOST_DIRECTIVES = 50_000
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
        if not _HARMLESS.fullmatch(pattern):
            self._note(here.path, f"line {here.line} includes {pattern}, which is not among the audited files")
        return []

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
        parsed = _crossplane(template.text)
        if parsed["errors"]:
            error = parsed["errors"][0]
            said = re.sub(r" in \S*config:\d+$", "", error["error"]) or "the file ends in the middle of a directive"
            place = f" (line {error['line']})" if error["line"] else ""
            self._note(path, f"not valid for nginx{place}: {said}")
            return None
        return tuple(_directives(parsed["config"][0]["parsed"], path, template))


def _depth(text: str) -> int:
    """Return how deep the blocks of a text are nested. Braces in strings and comments count too."""
    deepest = depth = 0
    for brace in re.findall("[{}]", text):
        depth = depth + 1 if brace == "{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def _crossplane(text: str) -> dict[str, Any]:
    """Return what crossplane reads. It knows the arguments of old releases of nginx only, so it does not check them."""
    import crossplane

    with tempfile.TemporaryDirectory(prefix="mcp-advisor-") as folder:
        path = Path(folder, "config")  # crossplane reads only files
        path.write_text(f"{text}\n", encoding="utf-8", errors="replace")
        parsed: dict[str, Any] = crossplane.parse(
            str(path), single=True, strict=False, check_ctx=False, check_args=False
        )
        if not parsed["errors"]:
            name, line = "", 0
            for word, number, is_quoted in crossplane.lex(str(path)):
                if word == "}" and not is_quoted and name:
                    parsed["errors"] = [{"error": f'directive "{name}" is not terminated by ";"', "line": line}]
                    break
                if word in (";", "{", "}") and not is_quoted:
                    name = ""
                elif not name and not (word.startswith("#") and not is_quoted):
                    name, line = word, number
        return parsed


def _directives(statements: list[dict[str, Any]], path: str, template: Template) -> Iterator[Directive]:
    for statement in statements:
        block = statement.get("block")
        yield Directive(
            str(statement["directive"]),
            tuple(str(word) for word in statement["args"]),
            None if block is None else tuple(_directives(block, path, template)),
            Location(path, statement["line"]),
            template,
        )
