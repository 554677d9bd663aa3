"""What the documents of a kit say: decision.json what is verified, DECISION.md the lines that people read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from advisor.decision.advisor import Advisor
from advisor.decision.model import EraCell, FeatureRow
from advisor.files import reason
from advisor.kit.parts import documents
from advisor.knowledge.types import ERAS, Outcome
from advisor.lab.testserver.tool_catalogue import find
from advisor.lab.verify.prediction import PredictedCell, PredictedTable, cells, tables
from advisor.lab.verify.preparation import Preparation

DECISION, PAGE = "decision.json", "DECISION.md"
_MOST = 5  # lines of the page that are named: more have the same cause as a rule
_OUTCOMES = get_args(Outcome)
_AGAIN = "`generate` writes it again"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KitDocuments:
    """What the documents of a kit say.

    Attributes:
        cells: what is predicted: what decision.json says where the run can show it, else what is decided.
        problems: documents that are missing, cannot be read or say something else, in words.
        notes: what the reader should know of them.
        decision: decision.json; None where it cannot be read.
    """

    cells: tuple[PredictedCell, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    decision: Document | None = None


def read_kit_documents(kit_dir: Path, prepared: Preparation, advisor: Advisor) -> KitDocuments:
    """Read the documents of a kit.

    Args:
        kit_dir: the kit that is run, with its own proxy or without a proxy.
        prepared: what its requirements decide.
        advisor: who decided it.
    """
    problems = _page_problems(kit_dir / PAGE, prepared)
    document, wrong = _read(kit_dir / DECISION)
    if document is None:
        return KitDocuments(prepared.cells, (wrong, *problems))
    notes = (
        ()
        if _is_current(document, prepared)
        else (f"{DECISION} is not what requirements.yaml decides now: run `generate` again.",)
    )
    decided = tables(prepared.decision, advisor)
    if cells(prepared.kit, decided, advisor) != prepared.cells:
        # Each client meets a single process, which is not the deployment that the document describes.
        return KitDocuments(prepared.cells, tuple(problems), notes, document)
    rows, faults = _stated_rows(document, [row.feature for row in decided[0].rows])
    stated = cells(prepared.kit, _as_stated(decided, rows, prepared.kit.line), advisor)
    return KitDocuments(stated, (*faults, *problems), notes, document)


def _read(path: Path) -> tuple[Document | None, str]:
    """The document, or what is wrong with it."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return None, f"{path.name} cannot be read ({reason(error)}), so nothing is promised: {_AGAIN}."
    except ValueError as error:
        return None, f"{path.name} is not JSON ({error}), so nothing is promised: {_AGAIN}."
    if not isinstance(document, dict) or not isinstance(document.get("features"), list):
        return None, f"{path.name} holds no decision, so nothing is promised: {_AGAIN}."
    return document, ""


def _is_current(document: Document, prepared: Preparation) -> bool:
    """Whether the decision in the kit is what its requirements come to now."""
    now = documents.decision_document(prepared.kit, prepared.decision)
    keys = ("feasible", "flags", "pattern", "affinity", "tiers", "instances", "features", "expected_failures")
    same = json.loads(json.dumps({key: now.get(key) for key in keys}))
    return all(document.get(key) == same[key] for key in keys)


def _stated_rows(document: Document, features: Sequence[str]) -> tuple[dict[str, Document], list[str]]:
    """The rows of the document's feature table, and what of it cannot be read."""
    rows = {row.get("feature"): row for row in document["features"] if isinstance(row, dict)}
    found: dict[str, Document] = {}
    faults = []
    for feature in features:
        row = rows.get(feature)
        if row is None:
            faults.append(f"{DECISION} promises nothing of {feature}: {_AGAIN}.")
        elif wrong := [era for era in ERAS if _outcome(row, era) not in _OUTCOMES]:
            faults.append(f"{DECISION}: the outcome of {feature} for {' and '.join(wrong)} clients is no outcome.")
        else:
            found[feature] = row
    return found, faults


def _outcome(row: Document, era: str) -> Any:
    cell = row.get(era)
    return cell.get("outcome") if isinstance(cell, dict) else None


def _as_stated(
    decided: Sequence[PredictedTable], rows: Mapping[str, Document], line: str
) -> tuple[PredictedTable, ...]:
    """The tables with the outcomes of the document, each in the tier whose row stands for the whole deployment.

    Of two tiers that is the stateful tier for what only its tools need, else the stateless tier (see `Advisor.decide`).
    """
    needed = [{row.feature for row in table.rows if row.need != "none"} for table in decided]
    inside = needed[1] - needed[0] if len(decided) > 1 else set()
    found = []
    for number, table in enumerate(decided):
        own = {row.feature for row in table.rows if (row.feature in inside) == bool(number)} & rows.keys()
        changed = [_stated_row(row, rows[row.feature], line) if row.feature in own else row for row in table.rows]
        found.append(replace(table, rows=tuple(changed)))
    return tuple(found)


def _stated_row(row: FeatureRow, said: Document, line: str) -> FeatureRow:
    return row._replace(
        legacy=_cell(row.legacy, row, said["legacy"], line), modern=_cell(row.modern, row, said["modern"], line)
    )


def _cell(cell: EraCell, row: FeatureRow, said: Document, line: str) -> EraCell:
    call = said.get("call") or ""
    known = isinstance(call, str) and (not call or find(line, row.feature, call) is not None)
    return cell._replace(outcome=said["outcome"], call=call if known else cell.call)


def _page_problems(path: Path, prepared: Preparation) -> list[str]:
    """What the page of a kit should state of flags, features and failures, and does not.

    What its reader wrote around these lines does not matter, nor how columns are aligned.
    """
    try:
        written = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        why = "it is not text" if isinstance(error, ValueError) else reason(error)
        return [f"{path.name} cannot be read ({why}): {_AGAIN}."]
    wanted = documents.stated_lines(prepared.kit, prepared.decision)
    there = {_plain(line) for line in written}
    lacking = [line for line in wanted if _plain(line) not in there]
    stated = {_plain(line) for line in wanted}
    others = [line for line in written if line.strip() and _plain(line) not in stated]
    found = [_difference(path.name, line, _alike(line, others)) for line in lacking[:_MOST]]
    if len(lacking) > _MOST:
        found.append(f"{path.name}: {len(lacking) - _MOST} more rows are missing or say something else: {_AGAIN}.")
    return found


def _plain(line: str) -> str:
    """A line without what editors change: how cells are aligned, and how many blanks there are."""
    return re.sub(r" ?\| ?", "|", " ".join(line.split()))


def _alike(expected: str, lines: Sequence[str]) -> str:
    """The line that replaces an expected line: it begins like it, up to the end of the first cell or name."""
    end = expected.find("|", 1) if expected.startswith("|") else expected.find(":")
    head = _plain(expected[: end + 1])
    return next((line for line in lines if end > 0 and _plain(line).startswith(head)), "")


def _difference(name: str, expected: str, instead: str) -> str:
    if instead:
        return f"{name} says something else than what is decided.\n    expected: {expected}\n    it says:  {instead}"
    return f"{name} lacks a line of what is decided.\n    expected: {expected}"
