"""Find the lines of a kit that differ from the generated kit, because a verification does not try every setting."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import yaml

from advisor.files import reason
from advisor.kit.model import KitFile
from advisor.sentences import amount

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_MOST = 8  # the number of reported places; a kit of another release differs in more places
_MOST_LINES = 3  # the number of shown lines of a place
_OF_USERS = frozenset({"server/tools.py", "requirements.yaml", "decision.json"})
"""The files that a user is asked to edit, and the decision, which `read_kit_documents` compares."""
_NOT_DEPLOYED = ("tests", ".github", ".gitignore")
_STARTED = ("proxy", "server")
"""The folders whose files a fleet starts."""
_STARTED_NOTE = (
    "The fleet of this run uses these lines, which differ from the generated kit. A run does not try every setting: "
    "it tries no timeout longer than its calls, no limit on sizes or numbers, no lifetime and no log "
    "(-: generated, +: found)."
)
_UNUSED_NOTE = (
    "No process of this run uses all of these lines, which differ from the generated kit (-: generated, +: found). The "
    'section "Other checks" has what this run checked in these files.'
)


class _Edit(NamedTuple):
    """A place in which a file differs.

    Attributes:
        path: the file.
        expected: the generated lines.
        found: the lines instead.
    """

    path: str
    expected: Sequence[str]
    found: Sequence[str]

    def __str__(self) -> str:
        lines = [*_shown("-", self.expected), *_shown("+", self.found)]
        return "".join(f"\n    {line}" for line in (self.path, *lines))


def read_kit_edits(kit_dir: Path, files: Iterable[KitFile]) -> tuple[list[str], list[str]]:
    """Compare the files of a kit with the generated files. Comments and blank lines do not matter.

    Args:
        kit_dir: the kit.
        files: the files that `generate` writes for the requirements of the kit.

    Returns:
        Problems in words: files that cannot be read, or are no YAML, JSON or TOML. Then remarks in words, with the
        lines that differ.
    """
    problems: list[str] = []
    edits: list[_Edit] = []
    for file in files:
        path = PurePosixPath(file.path)
        if file.path in _OF_USERS or path.parts[0] in _NOT_DEPLOYED or ".example" in path.name or path.suffix == ".md":
            continue
        try:
            text = (kit_dir / path).read_text(encoding="utf-8")
        except FileNotFoundError:  # a user can remove the files of another platform
            text = ""
        except (OSError, ValueError) as error:
            why = "it is not text" if isinstance(error, ValueError) else reason(error)
            problems.append(f"{file.path} cannot be read ({why}).")
            continue
        if text == file.content:
            continue
        if wrong := _syntax_error(path.suffix, text):
            problems.append(f"{file.path} cannot be parsed: {wrong}")
        edits += _edits(file.path, file.content, text)
    started = [edit for edit in edits if edit.path.split("/")[0] in _STARTED and not edit.path.endswith("Dockerfile")]
    unused = [edit for edit in edits if edit not in started]
    remarks = [(_STARTED_NOTE, started), (_UNUSED_NOTE, unused)]
    return problems, [note + _listed(places) for note, places in remarks if places]


def _listed(edits: Sequence[_Edit]) -> str:
    more = f"\n    Not shown: {amount(len(edits) - _MOST, 'more place')}." if len(edits) > _MOST else ""
    return "".join(map(str, edits[:_MOST])) + more


def _edits(path: str, expected: str, found: str) -> Iterator[_Edit]:
    old, new = _lines(expected), _lines(found)
    for tag, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield _Edit(path, old[start:end], new[new_start:new_end])


def _lines(text: str) -> list[str]:
    return [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]


def _shown(sign: str, lines: Sequence[str]) -> list[str]:
    shown = [f"  {sign} {line}" for line in lines[:_MOST_LINES]]
    return (
        [*shown, f"  {sign} ({amount(len(lines) - _MOST_LINES, 'more line')})"] if len(lines) > _MOST_LINES else shown
    )


def _syntax_error(suffix: str, text: str) -> str:
    """Why a file does not parse, on one line; "" if it parses or has another format."""
    try:
        if suffix in (".yaml", ".yml"):
            for _ in yaml.parse(text, Loader=yaml.SafeLoader):
                pass
        elif suffix == ".json":
            json.loads(text)
        elif suffix == ".toml":
            tomllib.loads(text)
    except (yaml.YAMLError, ValueError) as error:
        return " ".join(str(error).split())
    return ""
