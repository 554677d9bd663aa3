"""Says which requests get to the locations of nginx, also to named locations."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.sources.proxies.nginx_syntax import Directive
from advisor.sources.proxies.nginx_variables import Variables
from advisor.sources.proxies.wording import Match

_KINDS: dict[str, Match] = {"exact": "exact", "regex": "regex", "prefix": "prefix"}


def matched(location: Directive) -> tuple[str, str]:
    """Return the path of a location and how nginx compares it."""
    sign, path = location.args[0], location.file.restored(location.args[-1])[0]
    if len(location.args) == 1:
        if path.startswith("@"):
            return path, "named"
        for prefix, match in (("=", "exact"), ("~*", "regex"), ("~", "regex"), ("^~", "prefix")):
            if path.startswith(prefix):
                return path[len(prefix) :], match
        return path, "prefix"
    return path, {"=": "exact", "~": "regex", "~*": "regex"}.get(sign, "prefix")


def match_kind(match: str) -> Match:
    """Return how a route compares its path."""
    return _KINDS.get(match, "every")


def references(level: Directive, known: Variables) -> Iterator[tuple[str, bool]]:
    """Yield the named locations that a block uses, except after a failure of an instance.

    The second value is whether only requests without a session id get there.
    """
    for directive in level.named("try_files"):
        if directive.args and directive.args[-1].startswith("@"):
            yield directive.args[-1], False
    returned = {
        inner.args[0]: outer.name == "if" and known.lacks_session(outer.args)
        for outer in (level, *level.named("if"))
        for inner in outer.named("return")
        if inner.args
    }
    for directive in level.named("error_page"):
        if len(directive.args) > 1 and directive.args[-1].startswith("@"):
            for status in directive.args[:-1]:
                if status in returned or status == "404":
                    yield directive.args[-1], returned.get(status, False)


def users_of(name: str, named: dict[str, list[tuple[str, str, bool]]]) -> list[tuple[str, str, bool]]:
    """Return the locations from which requests get to a named location, directly or through others.

    Args:
        name: the named location.
        named: the users of each named location: the path, how nginx compares it, and whether only requests without a
            session id get there.
    """
    found: list[tuple[str, str, bool]] = []
    left, seen = [(name, False)], {name}
    while left:
        now, was_new = left.pop()
        for path, match, is_new in named.get(now, ()):
            if match != "named":
                found.append((path, match, is_new or was_new))
            elif path not in seen:
                seen.add(path)
                left.append((path, is_new or was_new))
    return found
