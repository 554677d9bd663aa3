"""Reads the sections and lines of HAProxy files, and the conditions of their rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from advisor.findings import Location
from advisor.sources.proxies.placeholders import ENVIRONMENT, Template
from advisor.sources.proxies.wording import SESSION_HEADER, Match

_SECTION = re.compile(
    r"global|defaults|frontend|backend|listen|peers|resolvers|userlist|cache|program|ring|http-errors|mailers|log-forward"
    r"|fcgi-app|crt-store|log-profile|traces|acme"
)
_WORD = re.compile(r"""#.*|(?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s#"'\\])+""")
_QUOTE = re.compile(r"""\\(.)|"((?:\\.|[^"\\])*)"|'([^']*)'""")

_STRONG = re.compile(r"^(?:frontend|backend|listen)[ \t]+[\w.:-]+", re.MULTILINE)
_INSIDE = re.compile(
    r"^[ \t]*(?:bind|server|server-template|balance|mode|default_backend|use_backend|option|timeout|stick-table)[ \t]",
    re.MULTILINE,
)
_WEAK = re.compile(r"^(?:global|defaults|peers[ \t]+\S+)[ \t]*(?:#.*)?$", re.MULTILINE)
_SETTING = re.compile(r"^[ \t]+(?:presetenv|setenv|maxconn|mode|timeout|log|daemon|peer|stats)\b", re.MULTILINE)
_OTHER_NAMES = re.compile(r".*\.(py|md|rst|js|ts|go|rs|java|rb|tf|ya?ml|json|toml|html?|sh)")

MOST_ALTERNATIVES = 50


def is_haproxy(text: str, path: str) -> bool:
    """Whether a file is a configuration of HAProxy, or a part of it."""
    base = path.rpartition("/")[2].lower()
    if _OTHER_NAMES.fullmatch(base):
        return False
    if _STRONG.search(text) and _INSIDE.search(text):
        return True
    return (".cfg" in base or "haproxy" in base) and bool(_WEAK.search(text) and _SETTING.search(text))


class ConfigLine(NamedTuple):
    """The words of a line, with a single character for each placeholder."""

    words: tuple[str, ...]
    location: Location
    file: Template

    def starts(self, *words: str) -> bool:
        """Whether the line starts with these words."""
        return self.words[: len(words)] == words

    def after(self, word: str) -> str:
        """Return the word after the first place of a word, or ""."""
        return self.words[self.words.index(word) + 1] if word in self.words[:-1] else ""


class HaproxySection(NamedTuple):
    """A section. `lines` are its own lines, `inherited` those of its `defaults`."""

    kind: str
    name: str
    location: Location
    lines: tuple[ConfigLine, ...]
    inherited: tuple[ConfigLine, ...] = ()

    def own(self, *words: str) -> Iterator[ConfigLine]:
        """Yield the own lines that start with these words."""
        return (line for line in self.lines if line.starts(*words))

    def last(self, *words: str) -> ConfigLine | None:
        """Return the last line that starts with these words; own lines have priority."""
        return next((line for line in reversed((*self.inherited, *self.lines)) if line.starts(*words)), None)

    def option(self, name: str) -> ConfigLine | None:
        """Return the line that switches an option on, or None if it is off."""
        for line in reversed((*self.inherited, *self.lines)):
            if line.starts("option", name):
                return line
            if line.starts("no", "option", name):
                return None
        return None


def sections(files: Sequence[tuple[str, str]]) -> list[HaproxySection]:
    """Return the sections of files that HAProxy reads in this order.

    Args:
        files: the path and the text of each file.
    """
    found: list[HaproxySection] = []
    named: dict[str, tuple[ConfigLine, ...]] = {}
    latest: tuple[ConfigLine, ...] = ()
    for path, text in files:
        template = Template(text, ENVIRONMENT)
        for head, lines in _split(template, path):
            kind, name = head.words[0], head.words[1] if len(head.words) > 1 else ""
            base = named.get(head.after("from")) if "from" in head.words else None
            if kind == "defaults":
                latest = (*(base or ()), *lines)
                if name and name != "from":
                    named[name] = latest
                continue
            inherited = latest if base is None else base
            keeps = kind in ("frontend", "backend", "listen")
            found.append(HaproxySection(kind, name, head.location, lines, inherited if keeps else ()))
    return found


def _split(template: Template, path: str) -> Iterator[tuple[ConfigLine, tuple[ConfigLine, ...]]]:
    head: ConfigLine | None = None
    lines: list[ConfigLine] = []
    for number, text in enumerate(template.text.split("\n"), 1):
        if not text.strip() or len(text) > 20_000:
            continue
        words = tuple(_unquoted(word) for word in _WORD.findall(text) if not word.startswith("#"))
        if not words or words[0].startswith("."):  # .if, .else, .endif: the lines between them are read
            continue
        line = ConfigLine(words, Location(path, number), template)
        if _SECTION.fullmatch(words[0]) and not text[0].isspace():
            if head is not None:
                yield head, tuple(lines)
            head, lines = line, []
        else:
            lines.append(line)
    if head is not None:
        yield head, tuple(lines)


def _unquoted(word: str) -> str:
    return _QUOTE.sub(lambda match: match[1] or match[2] or match[3] or "", word) if set("\\\"'") & set(word) else word


class RuleTest(NamedTuple):
    """A test of a condition: what it reads, how it compares, with which values, and whether it must fail."""

    fetch: str
    method: str
    values: tuple[str, ...]
    is_negated: bool = False


def condition(words: Sequence[str], acls: dict[str, list[RuleTest]]) -> list[list[RuleTest]]:
    """Return the alternatives of a condition such as `if is_mcp !{ src 10.0.0.0/8 } or other`.

    Args:
        words: the words of a rule.
        acls: the declared ACLs; an ACL with several lines is true if any line is.
    """
    start = next((index for index, word in enumerate(words) if word in ("if", "unless")), None)
    if start is None:
        return [[]]
    left = list(words[start + 1 :])
    alternatives: list[list[RuleTest]] = []
    now: list[list[RuleTest]] = [[]]
    while left:
        word = left.pop(0)
        if word in ("or", "||"):
            alternatives += now
            now = [[]]
            continue
        is_negated = word.startswith("!")
        name = word.lstrip("!")
        if name == "{" or (not name and left[:1] == ["{"]):
            if not name:
                left.pop(0)
            end = left.index("}") if "}" in left else len(left)
            choices = [term(left[:end])]
            left = left[end + 1 :]
        else:
            choices = acls.get(name) or [RuleTest(name.lower(), "", ())]
        if is_negated:
            now = [[*terms, *(choice._replace(is_negated=True) for choice in choices)] for terms in now]
        else:
            now = [[*terms, choice] for terms in now for choice in choices][:MOST_ALTERNATIVES]
    alternatives = [*alternatives, *now][:MOST_ALTERNATIVES]
    if words[start] == "unless":
        single = len(alternatives) == 1 and len(alternatives[0]) == 1
        flipped = alternatives[0][0]._replace(is_negated=not alternatives[0][0].is_negated) if single else None
        return [[flipped]] if flipped is not None else [[]]
    return alternatives


def term(words: Sequence[str]) -> RuleTest:
    """Return the test of an ACL from its words, such as `path_beg -i /mcp` or `req.hdr(Host) -m beg mcp.`."""
    fetch = words[0].split(",")[0].lower() if words else ""
    method = ""
    values: list[str] = []
    left = list(words[1:])
    while left:
        word = left.pop(0)
        if word == "-m" and left:
            method = left.pop(0)
        elif word == "-f" and left:
            left.pop(0)
        elif not (word.startswith("-") and len(word) < 4):
            values.append(word)
    match = re.fullmatch(r"(path|url|hdr|req\.hdr|base)_(beg|end|reg|sub|dir|dom|cnt|str)(\(.*)?", fetch)
    if match is not None and match[2] != "cnt":
        return RuleTest(match[1] + (match[3] or ""), method or match[2], tuple(values))
    return RuleTest(fetch, method, tuple(values))


def header_of(fetch: str) -> str:
    """Return the request header that a fetch reads, in lower case, or ""."""
    match = re.match(r"(?:req\.f?hdr|hdr|req\.hdr_cnt|req\.fhdr_cnt|hdr_cnt)\(([\w-]+)", fetch.lower())
    return match[1] if match else ""


def path_of(found: RuleTest) -> list[tuple[str, Match]]:
    """Return the paths that a test allows and how they are compared; empty for a test of something else."""
    if found.fetch not in ("path", "url", "base") or found.is_negated:
        return []
    made: dict[str, tuple[str, Match]] = {
        "beg": ("{}", "prefix"),
        "reg": ("{}", "regex"),
        "sub": ("{}", "regex"),
        "end": ("{}$", "regex"),
        "dir": ("(^|/){}(/|$)", "regex"),
    }
    form, match = made.get(found.method, ("{}", "exact"))
    is_pattern = match == "regex" and found.method != "reg"
    return [
        (form.format(re.escape(value.strip("/") if found.method == "dir" else value) if is_pattern else value), match)
        for value in found.values
    ]


def lacks_session(terms: Sequence[RuleTest]) -> bool:
    """Whether only requests without a session id satisfy all tests."""
    for found in terms:
        if header_of(found.fetch) == SESSION_HEADER:
            if "cnt" in found.fetch and found.values in (("eq", "0"), ("0",)) and not found.is_negated:
                return True
            if found.method == "found" and found.is_negated:
                return True
    return False
