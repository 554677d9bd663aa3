"""What the documents of a kit promise: decision.json the outcomes, DECISION.md the rows that people read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from advisor.decision.advisor import Advisor
from advisor.decision.model import EraCell, FeatureRow
from advisor.kit.parts import documents
from advisor.knowledge.types import ERAS, Outcome
from advisor.lab.testserver.tool_catalogue import find
from advisor.lab.verify.prediction import PredictedCell, PredictedTable, cells, tables
from advisor.lab.verify.preparation import Preparation
from advisor.report.decision_json import decision_dict

DECISION, PAGE = "decision.json", "DECISION.md"
_MOST = 5  # rows of the page that are named: more have the same cause as a rule
_OUTCOMES = get_args(Outcome)
_LOSSES, _FLAGS = "## What is lost", "stateless_http="
_AGAIN = "`generate` writes it anew"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Promises:
    """What the documents of a kit promise.

    Attributes:
        cells: what is predicted: what decision.json promises where the run can show it, else what is decided.
        problems: documents that are missing, cannot be read or say something else, in words.
        notes: what the reader should know of them.
    """

    cells: tuple[PredictedCell, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def read_promises(kit_dir: Path, prepared: Preparation, advisor: Advisor) -> Promises:
    """Read the documents of a kit.

    Args:
        kit_dir: the kit that is run, with its own proxy or without one.
        prepared: what its requirements decide.
        advisor: who decides it.
    """
    problems = missing_rows(kit_dir / PAGE, prepared, advisor)
    document, wrong = _read(kit_dir / DECISION)
    if document is None:
        return Promises(prepared.cells, (wrong, *problems), ())
    notes = (
        ()
        if _is_current(document, prepared, advisor)
        else (f"{DECISION} is not what requirements.yaml decides now: run `generate` again.",)
    )
    decided = tables(prepared.decision, advisor)
    if cells(prepared.kit, decided, advisor) != prepared.cells:
        return Promises(prepared.cells, tuple(problems), notes)  # each client meets one process: nobody promised that
    rows, faults = _promised_rows(document, [row.feature for row in decided[0].rows])
    promised = cells(prepared.kit, _with_promises(decided, rows, prepared.kit.line), advisor)
    return Promises(promised, (*faults, *problems), notes)


def _read(path: Path) -> tuple[Document | None, str]:
    """The document, or what is wrong with it."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return None, f"{path.name} cannot be read ({error.strerror}), so nothing is promised: {_AGAIN}."
    except ValueError as error:
        return None, f"{path.name} is not JSON ({error}), so nothing is promised: {_AGAIN}."
    if not isinstance(document, dict) or not isinstance(document.get("features"), list):
        return None, f"{path.name} holds no decision, so nothing is promised: {_AGAIN}."
    return document, ""


def _is_current(document: Document, prepared: Preparation, advisor: Advisor) -> bool:
    """Whether the decision in the kit is the one that its requirements come to."""
    now = decision_dict(prepared.decision, advisor)
    keys = ("feasible", "flags", "pattern", "affinity", "tiers", "instances", "features")
    same = json.loads(json.dumps({key: now.get(key) for key in keys}))
    return all(document.get(key) == same[key] for key in keys)


def _promised_rows(document: Document, features: Sequence[str]) -> tuple[dict[str, Document], list[str]]:
    """The rows of the document's feature table, and what of it cannot be read."""
    rows = {one.get("feature"): one for one in document["features"] if isinstance(one, dict)}
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


def _with_promises(
    decided: Sequence[PredictedTable], rows: Mapping[str, Document], line: str
) -> tuple[PredictedTable, ...]:
    """The tables with the outcomes of the document, each in the tier whose row stands for the whole deployment.

    In tiers that is the stateful one for what only its tools need, and else the stateless one (see `Advisor.decide`).
    """
    needed = [{row.feature for row in table.rows if row.need != "none"} for table in decided]
    inside = needed[1] - needed[0] if len(decided) > 1 else set()
    found = []
    for number, table in enumerate(decided):
        own = {row.feature for row in table.rows if (row.feature in inside) == bool(number)} & rows.keys()
        changed = [_promised(row, rows[row.feature], line) if row.feature in own else row for row in table.rows]
        found.append(replace(table, rows=tuple(changed)))
    return tuple(found)


def _promised(row: FeatureRow, said: Document, line: str) -> FeatureRow:
    return replace(
        row, legacy=_cell(row.legacy, row, said["legacy"], line), modern=_cell(row.modern, row, said["modern"], line)
    )


def _cell(cell: EraCell, row: FeatureRow, said: Document, line: str) -> EraCell:
    call = said.get("call") or ""
    known = isinstance(call, str) and (not call or find(line, row.feature, call) is not None)
    return replace(cell, outcome=said["outcome"], call=call if known else cell.call)


def missing_rows(path: Path, prepared: Preparation, advisor: Advisor) -> list[str]:
    """What the page of a kit should say of features and failures, and does not.

    Args:
        path: of the page. What its reader wrote around the rows does not matter, nor how columns are aligned.
        prepared: what is decided.
        advisor: who decided it.
    """
    try:
        written = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        return [f"{path.name} cannot be read ({reason}): {_AGAIN}."]
    made = documents.files(prepared.kit, prepared.decision, advisor, "")
    wanted = rows_of(next(one.content for one in made if one.path == PAGE).splitlines())
    there = {_plain(line) for line in written}
    lacking = [row for row in wanted if _plain(row) not in there]
    kept = {_plain(row) for row in wanted}
    instead = [line for line in written if line.strip() and _plain(line) not in kept]
    found = [_said(path.name, row, _alike(row, instead)) for row in lacking[:_MOST]]
    if len(lacking) > _MOST:
        found.append(f"{path.name}: {len(lacking) - _MOST} more rows are missing or say something else: {_AGAIN}.")
    return found


def rows_of(page: Sequence[str]) -> list[str]:
    """The lines of a page that promise something: flags, what is lost and kept, what clients see when something fails.

    Reasons are not among them: their wording may change from one version to the next.
    """
    found, heading = [], ""
    for line in page:
        is_row = line.startswith("|") and bool(line.strip("|- "))
        if line.startswith("## "):
            heading = line
        elif (is_row and (heading or _FLAGS in line)) or (line.strip() and heading.startswith(_LOSSES)):
            found.append(line)
    return found


def _plain(line: str) -> str:
    """A line without what editors change: how cells are aligned, and how many blanks there are."""
    return re.sub(r" ?\| ?", "|", " ".join(line.split()))


def _alike(row: str, lines: Sequence[str]) -> str:
    """The line that stands in the place of a row: it begins like it, up to the end of the first cell or name."""
    end = row.find("|", 1) if row.startswith("|") else row.find(":")
    head = _plain(row[: end + 1])
    return next((line for line in lines if end > 0 and _plain(line).startswith(head)), "")


def _said(name: str, row: str, instead: str) -> str:
    if instead:
        return f"{name} says something else than what is decided.\n    expected: {row}\n    it says:  {instead}"
    return f"{name} lacks a line of what is decided.\n    expected: {row}"
