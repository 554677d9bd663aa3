"""Saves answers as a requirements file and loads them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from advisor.files import write_atomically
from advisor.knowledge.space import FactSpace
from advisor.questionnaire.path_answers import with_kind
from advisor.questionnaire.questions import BREAKS, TOOLS, Answer, Begun, Question
from advisor.requirements import load_bytes, read_document, validate
from advisor.requirements.model import Requirements, Tool

_BREAKS = "Breaks today: "  # the start of a comment: the file has no key for symptoms
_NOTHING = "nothing"  # for a server in use
_BEGUN = "Unfinished question with its answered prompts: "  # the start of a comment in the file of an interrupted run
_REPLACES = "Replaces the file with the SHA-256 "  # the start of a comment in the file of an interrupted run


def to_yaml(values: Mapping[str, Any], space: FactSpace, head: str) -> str:
    """Return a requirements file with `values` in the order of the facts. Its first line is the comment `head`."""
    data: dict[str, Any] = {"version": 1}
    for name in space.facts:
        if name not in values:
            continue
        *sections, key = name.split(".")
        branch = data
        for section in sections:
            branch = branch.setdefault(section, {})
        branch[key] = [_tool(tool) for tool in values[name]] if name == TOOLS else values[name]
    breaks = f"# {_BREAKS}{', '.join(values[BREAKS]) or _NOTHING}\n" if BREAKS in values else ""
    return f"# {head}\n{breaks}" + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def begun_comment(begun: Begun | None) -> str:
    """Return the comment of an interrupted run about the question whose first prompts are answered, or ""."""
    return f"# {_BEGUN}{json.dumps([begun.question, *begun.replies])}\n" if begun else ""


def load_begun(path: Path) -> Begun | None:
    """Return the question that `begun_comment` wrote to a file, or None."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith(f"# {_BEGUN}"):
            try:
                name, *replies = json.loads(line.removeprefix(f"# {_BEGUN}"))
            except (ValueError, TypeError):  # the user has edited the comment
                return None
            return Begun(str(name), tuple(replies))
    return None


def replaces(path: Path) -> str:
    """Return the comment that the file of an interrupted run has about the file that the run replaces at its end.

    The user agreed to replace this content, or the run wrote it. "" without such a file.
    """
    return f"# {_REPLACES}{hashlib.sha256(path.read_bytes()).hexdigest()}\n" if path.is_file() else ""


def is_replaced(path: Path, partial: Path) -> bool:
    """Return whether the interrupted run in `partial` replaces `path`, which has not changed since then."""
    return replaces(path) in partial.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)


def _tool(tool: Tool) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": tool.name}
    if tool.needs:
        entry["needs"] = dict(tool.needs)
    if tool.duration_s is not None:
        entry["duration_s"] = tool.duration_s
    return entry


def stated(requirements: Requirements) -> dict[str, Any]:
    """Return the facts in a requirements file, with `tools`."""
    values: dict[str, Any] = dict(requirements.stated)
    if requirements.tools:
        values[TOOLS] = requirements.tools
    return values


def part(values: Answer, questions: Mapping[str, Question]) -> tuple[dict[str, Any], dict[str, Answer]]:
    """Split saved facts into facts of no complete answer, and complete answers by the ids of their questions."""
    values = with_kind(values)
    answers: dict[str, Answer] = {
        name: {fact: values[fact] for fact in (*question.facts, *question.also) if fact in values}
        for name, question in questions.items()
        if set(question.facts) <= values.keys()
    }
    answered = {fact for answer in answers.values() for fact in answer}
    return {name: value for name, value in values.items() if name not in answered}, answers


def save(path: Path, text: str, requirements: Requirements, space: FactSpace) -> None:
    """Write `text` to `path` as a complete file, after a check that `text` states `requirements`.

    Raises:
        OSError: the file cannot be written.
        AssertionError: `text` states other requirements.
    """
    again = load_bytes(text.encode(), str(path), space, partial=True)
    if (again.values, again.tools, again.unsure) != (requirements.values, requirements.tools, requirements.unsure):
        raise AssertionError(f"the content for {path} differs from the answers")
    write_atomically(path, text)


def has_own_comments(path: Path, head: str) -> bool:
    """Whether a file has a comment of its user. A `#` in a value counts as a comment.

    Args:
        path: the file.
        head: the comment that `to_yaml` writes first.
    """
    written = (f"# {head}", f"# {_BREAKS}", f"# {_BEGUN}", f"# {_REPLACES}")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return any("#" in line and not line.startswith(written) for line in lines)


def partial_path(output: Path) -> Path:
    """Return the file for the answers of an interrupted run: requirements.partial.yaml for requirements.yaml."""
    return output.with_name(f"{output.stem}.partial{output.suffix or '.yaml'}")


def load_stated(path: Path, space: FactSpace) -> dict[str, Any]:
    """Return the facts in a requirements file, which can be incomplete.

    Raises:
        InputError: the file cannot be read or is invalid.
    """
    document = read_document(path)
    values = stated(validate(document, space, partial=True))
    if isinstance(document.data, dict) and document.data.get(TOOLS) == []:
        values[TOOLS] = ()  # the answer "none", which the requirements do not tell from a file without the key
    lines = path.read_text(encoding="utf-8").splitlines()
    breaks = next((line.removeprefix(f"# {_BREAKS}") for line in lines if line.startswith(f"# {_BREAKS}")), None)
    known = tuple(name for name in (breaks or "").split(", ") if name in space.knowledge.symptoms)
    return values | ({BREAKS: known} if known or breaks == _NOTHING else {})
