"""What is known about the SDK line of scanned code: its calls, the era of its clients, and the outcome of each call."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.knowledge import Knowledge
from advisor.knowledge.features import FeatureCall
from advisor.knowledge.types import flag_key
from advisor.sources.code_model import NeedUse, ServerCode


def code_calls(knowledge: Knowledge) -> Mapping[tuple[str, str], FeatureCall]:
    """Return the calls of all languages by feature and name, each with what it needs."""
    found = {(feature.id, call.call): call for feature in knowledge.features.values() for call in feature.calls}
    return found | {
        (call.feature, call.id): found[call.feature, call.like] for call in knowledge.typescript_calls.values()
    }


def serves_modern(server: ServerCode, line: str, knowledge: Knowledge) -> bool:
    """Return whether a server that the code starts with an SDK line serves modern clients."""
    if server.language == "python":
        return knowledge.lines[line].serves_modern
    handled = any(setting.place == "handler" for setting in server.settings)
    return knowledge.typescript_lines[line].serves_modern and handled


def call_instead(feature: str, line: str, knowledge: Knowledge) -> str:
    """Return a call of a feature that an SDK line has for modern clients, or else for legacy clients; "" for none."""
    if line in knowledge.typescript_lines:
        calls = [call for call in knowledge.typescript_calls.values() if call.feature == feature and line in call.lines]
        return next((call.id for call in calls if call.like == "InputRequiredResult"), "")
    calls_of_line = knowledge.sdks[line].calls.get(feature, {})
    return calls_of_line.get("modern") or calls_of_line.get("legacy") or ""


def legacy_outcome(use: NeedUse, line: str, stateless: bool, answers_json: bool, knowledge: Knowledge) -> str:
    """Return the measured outcome for legacy clients; "" for the default flags, or without a measurement."""
    if not (stateless or answers_json):
        return ""
    key = flag_key(stateless, answers_json)
    if line in knowledge.typescript_lines:
        measured = knowledge.typescript_outcomes.get(knowledge.typescript_calls[use.call].outcomes)
        return measured.cells[key] if measured is not None else ""
    newest = knowledge.lines[line].newest
    for package in knowledge.capabilities:
        for cell in package.cells if any(each.id == line for each in package.lines) else ():
            if (cell.feature, cell.call) == (use.feature, use.call) and cell.holds(newest):
                return str(cell.legacy[key])
    return ""
