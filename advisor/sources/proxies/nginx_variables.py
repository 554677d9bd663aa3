"""Says what the variables of an nginx configuration depend on, and which values they can have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from advisor.sources.proxies.nginx_syntax import Directive

MOST_VALUES = 2000

_NAME = re.compile(r"\$\{?(\w+)\}?")
_CAPTURE = re.compile(r"\(\?P?<(\w+)>")
_ANY_KEY = ("", "default", "~.", "~.+", "~^.+$", "~^.*$", "~.*", "~^.")
_CAPTURED = re.compile(r"\d")


def variables(text: str) -> list[str]:
    """Return the variables in a string, in their order, without the dollar sign."""
    return _NAME.findall(text)


class Variables:
    """The variables that `map`, `geo`, `split_clients`, `set` and regular expressions define."""

    def __init__(self, directives: Iterable[Directive]) -> None:
        """Args: directives: the directives of the configuration, of all blocks."""
        self._sources: dict[str, set[str]] = {}
        self._values: dict[str, list[str]] = {}
        self._keys: dict[str, list[str]] = {}
        self._maps: dict[str, tuple[str, list[tuple[str, str]]]] = {}
        self._regex_maps: set[str] = set()
        self._captures: set[str] = set()
        self._bases: dict[str, set[str]] = {}
        self._known_values: dict[str, list[str]] = {}
        every = list(_every(directives))
        for directive in every:
            self._define(directive)
        self.has_map_after_capture = next((found for found in every if self._follows_capture(found)), None)

    def _define(self, directive: Directive) -> None:
        args = directive.args
        if directive.name in ("map", "geo", "split_clients") and args and directive.block is not None:
            source = args[0] if len(args) > 1 else "$remote_addr"
            name = args[-1].lstrip("$")
            entries = [(inner.name, inner.args[0]) for inner in directive.block if inner.args]
            self._sources.setdefault(name, set()).update(variables(source))
            self._maps[name] = source, entries
            self._values.setdefault(name, []).extend(value for _, value in entries)
            self._keys.setdefault(name, []).extend(
                key for key, _ in [*entries, *((inner.name, "") for inner in directive.block if not inner.args)]
            )
            for key, _ in entries:
                if key.startswith("~"):
                    self._regex_maps.add(name)
                    self._captured(key, variables(source))
        elif directive.name == "set" and len(args) == 2:
            self._values.setdefault(args[0].lstrip("$"), []).append(args[1])
        elif directive.name in ("if", "location", "server_name", "rewrite"):
            for arg in args:
                self._captured(arg, ["uri"])

    def _captured(self, pattern: str, sources: list[str]) -> None:
        for name in _CAPTURE.findall(pattern):
            self._captures.add(name)
            self._sources.setdefault(name, set()).update(sources)

    def _follows_capture(self, directive: Directive) -> bool:
        if directive.name in ("map", "log_format"):
            return False
        for arg in directive.args:
            seen = False
            for name in variables(arg):
                if seen and name in self._regex_maps:
                    return True
                seen = seen or name in self._captures or _CAPTURED.fullmatch(name) is not None
        return False

    def lacks_session(self, condition: tuple[str, ...]) -> bool:
        """Whether only requests without a session id satisfy an `if`.

        The `if` can test the header itself, or a variable of a `map` with the header at the end of its source.
        """
        if condition in (("$http_mcp_session_id", "=", ""), ("$http_mcp_session_id", "=", '""')):
            return True
        source, entries = self._maps.get(condition[0].lstrip("$"), ("", [])) if condition else ("", [])
        if not source.endswith("$http_mcp_session_id"):
            return False
        before = source[: -len("$http_mcp_session_id")][-1:]
        if len(condition) == 1:
            keys = [key for key, value in entries if value not in ("", "0")]
        elif len(condition) == 3 and condition[1] == "=":
            keys = [key for key, value in entries if value == condition[2]]
        else:
            return False
        is_empty = [not key or (before == " " and key.endswith(" ") and not key.startswith("~")) for key in keys]
        return bool(keys) and all(is_empty)

    def bases(self, text: str) -> set[str]:
        """Return the variables of nginx on which a string depends."""
        if text in self._bases:
            return self._bases[text]
        found: set[str] = set()
        left = variables(text)
        while left:
            name = left.pop()
            if name not in found:
                found.add(name)
                left.extend(self._sources.get(name, ()))
                for value in self._values.get(name, ()):
                    left.extend(variables(value))
        self._bases[text] = found
        return found

    def values(self, text: str) -> list[str]:
        """Return the strings without variables that a string can become. Unknown values are left out."""
        if text in self._known_values:
            return self._known_values[text]
        found: list[str] = []
        left, seen = [text], {text}
        while left and len(found) < MOST_VALUES and len(seen) < MOST_VALUES:
            now = left.pop()
            match = _NAME.search(now)
            if match is None:
                found.append(now)
                continue
            for value in self._values.get(match[1], ()):
                # `1 name;` in a map of a regular expression can use captures of its key
                new = now[: match.start()] + value + now[match.end() :]
                if new not in seen and len(new) < 500:
                    seen.add(new)
                    left.append(new)
        self._known_values[text] = sorted(set(found))
        return self._known_values[text]

    def selects_by_session(self, text: str) -> bool:
        """Whether a string depends on the content of the session id in the request, not only on its existence."""
        return any(
            "http_mcp_session_id" in self._sources.get(name, ())
            and any(key not in _ANY_KEY for key in self._keys.get(name, ()))
            for name in self.bases(text)
        )


def _every(directives: Iterable[Directive]) -> Iterator[Directive]:
    for directive in directives:
        yield directive
        yield from _every(directive.block or ())
