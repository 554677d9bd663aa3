"""Read the expected behaviour from a kit's decision.json, and check the lines of its DECISION.md."""

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
from advisor.report.serialization import Document
from advisor.sentences import amount

DECISION, PAGE = "decision.json", "DECISION.md"
_MOST = 5  # the number of reported lines of the page. Further lines usually have the same cause.
_OUTCOMES = get_args(Outcome)
_AGAIN = "To fix this, run `generate` again"
_NO_EXPECTATION = f"verify cannot read the expected behaviour from this kit. {_AGAIN}"


@dataclass(frozen=True, slots=True)
class KitDocuments:
    """The content of a kit's documents.

    Attributes:
        cells: the predicted cells. Outcomes come from decision.json if the run can show them, else from the decision.
        problems: documents that are missing, unreadable or different from the decision, in words.
        notes: remarks on the documents.
        decision: the content of decision.json; None if the file cannot be read.
    """

    cells: tuple[PredictedCell, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    decision: Document | None = None


def read_kit_documents(kit_dir: Path, prepared: Preparation, advisor: Advisor) -> KitDocuments:
    """Read the documents of a kit.

    Args:
        kit_dir: the kit of this run. The run uses the kit's own proxy or no proxy.
        prepared: the run, as decided for the kit's requirements.
        advisor: makes the decision.

    Returns:
        The predicted cells, and problems with the documents.
    """
    problems = _page_problems(kit_dir / PAGE, prepared)
    document, wrong = _read(kit_dir / DECISION)
    if document is None:
        return KitDocuments(prepared.cells, (wrong, *problems))
    now = json.loads(json.dumps(documents.decision_document(prepared.kit, prepared.decision)))
    notes = (
        ()
        if _is_current(document, now)
        else (f"{DECISION} does not match the current decision for requirements.yaml. {_AGAIN}.",)
    )
    decided = tables(prepared.decision, advisor)
    if cells(prepared.kit, decided, advisor) != prepared.cells:
        # In this run each client reaches a single process. The document describes another deployment.
        return KitDocuments(prepared.cells, tuple(problems), notes, document)
    rows, faults = _stated_rows(document, [row.feature for row in decided[0].rows])
    differing = _differing_cells(rows, now)
    stated = cells(prepared.kit, _as_stated(decided, differing, prepared.kit.sdk.apis), advisor)
    return KitDocuments(stated, (*faults, *problems), notes, document)


def _read(path: Path) -> tuple[Document | None, str]:
    """Return the document or None, and the problem with the document in words."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return None, f"{path.name} cannot be read ({reason(error)}): {_NO_EXPECTATION}."
    except ValueError as error:
        return None, f"{path.name} is not JSON ({error}): {_NO_EXPECTATION}."
    if not isinstance(document, dict) or not isinstance(document.get("features"), list):
        return None, f"{path.name} contains no decision: {_NO_EXPECTATION}."
    return document, ""


def _is_current(document: Document, now: Document) -> bool:
    """Whether the decision in the kit is `now`, the current decision for its requirements."""
    keys = ("feasible", "flags", "pattern", "affinity", "tiers", "instances", "features", "expected_failures")
    return all(document.get(key) == now.get(key) for key in keys)


def _differing_cells(rows: Mapping[str, Document], now: Document) -> dict[str, Document]:
    """Return the cells of the document that differ from the current decision, by feature and era.

    The other cells need no comparison. They can also differ from what the lab expects: the clients of the lab support
    features that the stated client applications do not support.
    """
    current = {row["feature"]: row for row in now["features"]}
    return {
        feature: {era: row[era] for era in ERAS if row[era] != current[feature][era]} for feature, row in rows.items()
    }


def _stated_rows(document: Document, features: Sequence[str]) -> tuple[dict[str, Document], list[str]]:
    """The valid rows of the document's feature table by feature, and the invalid rows in words."""
    rows = {row.get("feature"): row for row in document["features"] if isinstance(row, dict)}
    found: dict[str, Document] = {}
    faults = []
    for feature in features:
        row = rows.get(feature)
        if row is None:
            faults.append(f"{DECISION} has no row for the feature {feature}. {_AGAIN}.")
        elif wrong := [era for era in ERAS if _outcome(row, era) not in _OUTCOMES]:
            clients = f"{' and '.join(wrong)} clients"
            faults.append(f"{DECISION}: the outcome of {feature} for {clients} is missing or invalid. {_AGAIN}.")
        else:
            found[feature] = row
    return found, faults


def _outcome(row: Document, era: str) -> Any:
    cell = row.get(era)
    return cell.get("outcome") if isinstance(cell, dict) else None


def _as_stated(
    decided: Sequence[PredictedTable], rows: Mapping[str, Document], apis: Sequence[str]
) -> tuple[PredictedTable, ...]:
    """Put outcomes of the document (by feature and era) into the predicted tables.

    The document has one row for each feature of the deployment. In a deployment with two tiers, the row belongs to the
    stateful tier if only its tools need the feature, and else to the stateless tier (see `Advisor.decide`).
    """
    needed = [{row.feature for row in table.rows if row.need != "none"} for table in decided]
    inside = needed[1] - needed[0] if len(decided) > 1 else set()
    found = []
    for number, table in enumerate(decided):
        own = {row.feature for row in table.rows if (row.feature in inside) == bool(number)} & rows.keys()
        changed = [_stated_row(row, rows[row.feature], apis) if row.feature in own else row for row in table.rows]
        found.append(replace(table, rows=tuple(changed)))
    return tuple(found)


def _stated_row(row: FeatureRow, said: Document, apis: Sequence[str]) -> FeatureRow:
    return row._replace(
        legacy=_cell(row.legacy, row, said.get("legacy"), apis), modern=_cell(row.modern, row, said.get("modern"), apis)
    )


def _cell(cell: EraCell, row: FeatureRow, said: Document | None, apis: Sequence[str]) -> EraCell:
    if said is None:
        return cell
    call = said.get("call") or ""
    known = isinstance(call, str) and (not call or find(apis, row.feature, call) is not None)
    return cell._replace(outcome=said["outcome"], call=call if known else cell.call)


def _page_problems(path: Path, prepared: Preparation) -> list[str]:
    """The lines about flags, features and failures that are missing or different on the page of a kit.

    Other lines of the page and the alignment of columns do not matter.
    """
    try:
        written = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        why = "it is not text" if isinstance(error, ValueError) else reason(error)
        return [f"{path.name} cannot be read ({why}). {_AGAIN}."]
    wanted = documents.stated_lines(prepared.kit, prepared.decision)
    there = {_plain(line) for line in written}
    lacking = [line for line in wanted if _plain(line) not in there]
    stated = {_plain(line) for line in wanted}
    others = [line for line in written if line.strip() and _plain(line) not in stated]
    found = [_difference(path.name, line, _alike(line, others)) for line in lacking[:_MOST]]
    if len(lacking) > _MOST:
        found.append(f"{path.name}: missing or different: {amount(len(lacking) - _MOST, 'more line')}. {_AGAIN}.")
    return found


def _plain(line: str) -> str:
    """A line without the parts that editors change: the alignment of cells and the number of blanks."""
    return re.sub(r" ?\| ?", "|", " ".join(line.split()))


def _alike(expected: str, lines: Sequence[str]) -> str:
    """The line that replaces an expected line. Both lines are equal up to the end of the first cell or name."""
    end = expected.find("|", 1) if expected.startswith("|") else expected.find(":")
    head = _plain(expected[: end + 1])
    return next((line for line in lines if end > 0 and _plain(line).startswith(head)), "")


def _difference(name: str, expected: str, instead: str) -> str:
    if instead:
        return f"A line of {name} does not match the decision.\n    expected: {expected}\n    found:    {instead}"
    return f"A line of the decision is missing in {name}.\n    expected: {expected}"
