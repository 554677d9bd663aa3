"""Scans the code that a user named, for the commands `scan` and `ask`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from advisor.audits.stated_facts import facts_of
from advisor.decision.advisor import default_advisor
from advisor.errors import UsageError
from advisor.questionnaire.saved_answers import stated
from advisor.report.scan_requirements import scan_requirements
from advisor.requirements import load_bytes
from advisor.sources.code_files import TYPESCRIPT
from advisor.sources.code_model import ScannedTree
from advisor.sources.code_scan import scan


def folder_of(path: str) -> Path:
    """Return the folder to which the paths of a scan are relative.

    Raises:
        UsageError: there is no such folder or file with code.
    """
    folder = Path(path)
    try:
        if folder.is_dir():
            return folder
        if folder.is_file() and path.endswith((".py", *TYPESCRIPT)):
            return folder.parent
    except (OSError, ValueError):  # ValueError: a NUL
        pass
    raise UsageError(f"{path} is not a folder and not a Python or TypeScript file.")


def scanned(path: str) -> ScannedTree:
    """Return the content of a folder or a Python file.

    Raises:
        UsageError: there is no such folder or Python file.
    """
    folder_of(path)
    return scan(Path(path), default_advisor().knowledge)


def requirements_text(tree: ScannedTree, path: str) -> str:
    """Return the partial requirements file of a scan."""
    advisor = default_advisor()
    folder = Path(path).resolve()
    facts = facts_of(tree, advisor.knowledge, folder.name if folder.is_dir() else folder.stem)
    return scan_requirements(facts, advisor.space, advisor.knowledge.phrases, path)


def stated_by_code(path: str) -> dict[str, Any]:
    """Return the facts that the code in a folder or a file states, as answers of the questionnaire.

    Raises:
        UsageError: there is no such path, or no server in it.
    """
    tree = scanned(path)
    if not tree.servers:
        knowledge = default_advisor().knowledge
        raise UsageError(knowledge.phrases["scan.nothing"].format(path=path, number=len(tree.examined)))
    text = requirements_text(tree, path)
    return stated(load_bytes(text.encode(), path, default_advisor().space, partial=True))
