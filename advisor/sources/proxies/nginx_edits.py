"""Changes directives in the text of an nginx file. Comments, indentation, quotes and line ends stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from advisor.knowledge.finding_kinds import PatchRule
from advisor.sources.proxies.nginx_syntax import Directive, NginxSyntax
from advisor.sources.splices import Splice

_TOKEN = re.compile(
    r"""(?P<skip>\s+|\#[^\n]*)|(?P<mark>[;{}])|(?P<word>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?:\\.|\$\{[^}\s]*\}|[^\s;{}\\])+)""",
    re.DOTALL,
)
_REST_OF_LINE = re.compile(r"[ \t]*(?:#[^\n]*)?\n")
_OWN_BLOCKS = ("location", "upstream")


@dataclass(eq=False)
class _Placed:
    """A directive with the places of its words in the text."""

    words: list[str]
    places: list[tuple[int, int]]
    line: int
    end: int
    outer: _Placed | None
    block: list[_Placed] | None = None
    closed: int = 0
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.names = tuple(word[1:-1] if word[:1] in "\"'" else word for word in self.words)

    @property
    def start(self) -> int:
        """The place of the name."""
        return self.places[0][0]

    @property
    def is_local(self) -> bool:
        """Whether a value in this block counts for nothing else."""
        inner = self.block or []
        return self.names[0] in _OWN_BLOCKS and not any(each.block is not None for each in inner)


def nginx_splice(text: str, path: str, line: int, rule: PatchRule) -> Splice | None:
    """Return the change of a directive that a rule describes, or None if it cannot be made.

    Args:
        text: the file.
        path: the name of the file.
        line: the line of the directive, of the block that has it or gets it, or of another directive in this block.
        rule: the change.
    """
    same_line = [each for each in _all(_read(text, path)) if each.line == line]
    around = [each if each.block is not None else each.outer for each in same_line]
    blocks = list(dict.fromkeys(block for block in around if block is not None))
    wanted = tuple(rule.directive.split())
    inner = [each for block in blocks for each in block.block or ()]
    named = [each for each in same_line if _is_named(each, wanted)] or [
        each for each in inner if _is_named(each, wanted)
    ]
    if named:
        changes = [change for each in named if (change := _changed(text, each, rule)) is not None]
        return changes[0] if len(changes) == 1 else None
    own = [block for block in blocks if block.names[0] in _OWN_BLOCKS and block.block]
    return _inserted(text, own[0], f"{rule.directive} {rule.set};") if rule.set and len(own) == 1 else None


def _is_named(directive: _Placed, wanted: tuple[str, ...]) -> bool:
    return directive.block is None and directive.names[: len(wanted)] == wanted


def _changed(text: str, found: _Placed, rule: PatchRule) -> Splice | None:
    is_local = found.outer is not None and found.outer.is_local
    kept = len(rule.directive.split())
    if rule.set:
        start = found.places[kept][0] if len(found.places) > kept else found.places[-1][1]
        space = "" if len(found.places) > kept else " "
        return Splice(start, found.places[-1][1], f"{space}{rule.set}", is_local)
    if rule.add:
        option, equals, _ = rule.add.partition("=")
        for name, (start, end) in zip(found.names, found.places, strict=True):
            if equals and name.startswith(f"{option}="):
                return Splice(start, end, rule.add, is_local)
        return Splice(found.places[-1][1], found.places[-1][1], f" {rule.add}", is_local)
    for index in range(kept, len(found.names)):
        if found.names[index].lower() == rule.remove.lower():
            if len(found.names) == kept + 1:
                return _without(text, found)
            start, end = found.places[index]
            before = found.places[index - 1][1]
            is_space = not text[before:start].strip()
            return Splice(before if is_space else start, end, "", is_local)
    return None


def _without(text: str, found: _Placed) -> Splice:
    """Return the removal of a directive. It is not local: the block then inherits the value of an outer block."""
    start = text.rfind("\n", 0, found.start) + 1
    stop = text.find("\n", found.end)
    if stop >= 0 and not text[start : found.start].strip() and not text[found.end : stop].strip():
        return Splice(start, stop + 1, "", is_local=False)
    return Splice(found.start, found.end, "", is_local=False)


def _inserted(text: str, block: _Placed, directive: str) -> Splice:
    """Return a new last line of a block, with the indentation of the line before it."""
    assert block.block
    last = block.block[-1]
    after = last.end if last.block is None else last.closed
    rest = _REST_OF_LINE.match(text, after)
    start = text.rfind("\n", 0, last.start) + 1
    indent = text[start : last.start]
    if rest is None or indent.strip():
        return Splice(after, after, f" {directive}", block.is_local)
    ending = "\r\n" if rest[0].endswith("\r\n") or text[: rest.end()].endswith("\r\n") else "\n"
    return Splice(rest.end(), rest.end(), f"{indent}{directive}{ending}", block.is_local)


def _read(text: str, path: str) -> list[_Placed]:
    """Return the top directives. The result is empty if the reader of nginx files sees something else in the text."""
    known = NginxSyntax({path: text}).directives(path)
    if known is None or any(each.file.text != text for each in known[:1]):
        return []
    top: list[_Placed] = []
    blocks = [top]
    heads: list[_Placed] = []
    words: list[str] = []
    places: list[tuple[int, int]] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return []
        position = match.end()
        if match["word"]:
            words.append(match["word"])
            places.append(match.span())
        elif match["mark"] == "}":
            if not heads or words:
                return []
            blocks.pop()
            heads.pop().closed = position
        elif match["mark"]:
            if not words:
                return []
            line = text.count("\n", 0, places[0][0]) + 1
            made = _Placed(words, places, line, position, heads[-1] if heads else None)
            blocks[-1].append(made)
            words, places = [], []
            if match["mark"] == "{":
                made.block = []
                heads.append(made)
                blocks.append(made.block)
    mine = [(each.names[0], each.line, _compared(each.names)) for each in _all(top)]
    theirs = [(each.name, each.location.line, _compared((each.name, *each.args))) for each in _every(known)]
    return top if mine == theirs else []


def _compared(names: tuple[str, ...]) -> tuple[str, ...]:
    return () if names[0] == "if" else names  # the reader leaves out the parentheses of a condition


def _all(directives: list[_Placed]) -> Iterator[_Placed]:
    for each in directives:
        yield each
        yield from _all(each.block or [])


def _every(directives: tuple[Directive, ...]) -> Iterator[Directive]:
    for each in directives:
        yield each
        yield from _every(each.block or ())
