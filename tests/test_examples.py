"""Every example has its recorded decision, and its comment says whether the decision agrees with the guide.

`MCP_ADVISOR_UPDATE_SNAPSHOTS=1 pytest tests/test_examples.py` records the decisions again. The diff shows the changes
that users will see.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from _pytest.mark import ParameterSet

from advisor.decision.advisor import Advisor
from advisor.knowledge import Knowledge
from advisor.report.decision_json import decision_dict
from advisor.report.serialization import Document, json_text
from advisor.requirements import load_bytes, load_path

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
WALKS = sorted((ROOT / "examples" / "walks").glob("*.yaml"))
FIELD = sorted((ROOT / "examples" / "field").glob("*.yaml"))
GOLDEN = Path(__file__).parent / "golden"
UPDATE = os.environ.get("MCP_ADVISOR_UPDATE_SNAPSHOTS") == "1"

# The expected decision of each scenario in one line, so that a reader does not need to open the snapshots.
EXPECTED = {
    "analytics-behind-alb": ("stateless-fleet", True, False, "none"),
    "customer-service-agent": ("tiered", True, False, "none"),
    "customer-service-agent-modern": ("stateless-fleet", True, False, "none"),
    "customer-service-agent-sticky": ("sticky-fleet", False, False, "nginx-sticky-learn"),
    "exercise-1-research": ("stateless-fleet", True, False, "none"),
    "exercise-1-research-mcp-1.28": ("sticky-fleet", False, False, "nginx-sticky-learn"),
    "exercise-2-team-document": ("shared-state", False, False, "redis-session-directory"),
    "internal-data-platform": ("single-instance", False, False, "none"),
    "local-development": ("single-instance", False, False, "none"),
    "open-source-devtool": ("stateless-fleet", True, False, "none"),
    "pattern-1-single-instance": ("single-instance", False, False, "none"),
    "pattern-2-stateless-fleet": ("stateless-fleet", True, True, "none"),
    "pattern-3-sticky-fleet": ("sticky-fleet", False, False, "haproxy-session-envelope"),
    "payment-provider": ("stateless-fleet", True, True, "none"),
    "saas-b2b": ("sticky-fleet", False, False, "nginx-sticky-learn"),
    "sampling-on-a-stateless-fleet": ("contradiction", None, None, "none"),
}

# The expected decision of each real case: pattern, mechanism, whether the server keeps sessions, and the warnings or
# changes that the answer must contain. None means that the answer has no flags and no modes.
EXPECTED_FIELD: dict[str, tuple[str, str, bool | None, list[Any]]] = {
    "alb-cuts-json-answers": ("stateless-fleet", "none", False, ["json-answers-are-cut-today"]),
    "cloud-run-old-transport": (
        "contradiction",
        "none",
        None,
        [{"transport": "streamable-http"}, {"scale.instances": 1}, "transport-is-deprecated"],
    ),
    "cloud-run-missing-session-id": (
        "stateless-fleet",
        "none",
        False,
        ["sessions-without-affinity", "host-allow-list"],
    ),
    "gunicorn-workers-on-app-service": (
        "contradiction",
        "none",
        None,
        [{"scale.workers": 1}, {"operations.shared_store": "redis"}],
    ),
    "bun-ends-streams": (
        "single-instance",
        "none",
        False,
        ["bun-ends-silent-connections", "other-logins-end-with-the-process"],
    ),
    "fly-stops-the-login-state": ("single-instance", "none", False, ["other-logins-end-with-the-process"]),
    "browser-misses-session-id": ("single-instance", "none", True, ["browsers-hide-the-session-id"]),
    "silent-call-behind-alb": ("single-instance", "none", False, ["older-sdk-sends-no-pings"]),
    "user-state-in-sessions": (
        "stateless-fleet",
        "none",
        False,
        ["sessions-without-affinity", "state-of-a-user-under-the-session-id"],
    ),
    "deployments-wedge-the-connector": (
        "single-instance",
        "none",
        False,
        ["other-logins-end-with-the-process"],
    ),
    "sessions-fill-the-memory": ("single-instance", "none", False, ["shutdown-cuts-running-calls"]),
    "kubernetes-client-ip": (
        "sticky-fleet",
        "kubernetes-client-ip",
        True,
        ["affinity-by-address", "rollout-ends-sessions"],
    ),
    "fastmcp-second-replica": ("stateless-fleet", "none", False, ["sessions-without-affinity"]),
    "gateway-thirty-seconds": ("single-instance", "none", True, ["call-outlives-total-timeout"]),
    "go-login-state-per-pod": (
        "stateless-fleet",
        "none",
        False,
        ["other-servers-share-login-state", "sessions-without-affinity"],
    ),
    "go-replicas": ("stateless-fleet", "none", False, ["sessions-without-affinity"]),
    "java-old-transport-several-nodes": (
        "contradiction",
        "none",
        None,
        [{"transport": "streamable-http"}, {"scale.instances": 1}],
    ),
    "lambda-second-call": ("stateless-fleet", "none", False, ["adapter-runs-the-lifespan-for-each-event"]),
    "lambda-old-transport": ("contradiction", "none", None, [{"transport": "streamable-http"}]),
    "sampling-on-app-service": (
        "contradiction",
        "none",
        None,
        [{"clients.keep_cookies": True}, {"scale.instances": 1}, {"operations.direct_llm": True}],
    ),
    "typescript-cookie-ingress": ("sticky-fleet", "platform-cookie", True, ["cookie-affinity-needs-cookies"]),
    "typescript-scale-to-zero": ("stateless-fleet", "none", False, ["sessions-without-affinity"]),
    "typescript-stream-in-a-function": ("stateless-fleet", "none", False, ["other-servers-answer-405"]),
}


def decision_of(path: Path, advisor: Advisor) -> Document:
    return decision_dict(advisor.decide(load_path(path, advisor.space)))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_decides_as_expected(path: Path, advisor: Advisor) -> None:
    pattern, stateless, json_response, mechanism = EXPECTED[path.stem]
    decision = decision_of(path, advisor)
    flags = None if stateless is None else {"stateless_http": stateless, "json_response": json_response}
    assert (decision["pattern"], decision.get("flags"), decision["affinity"]["mechanism"]) == (
        pattern,
        flags,
        mechanism,
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_decides_as_recorded(path: Path, advisor: Advisor) -> None:
    text = json_text(decision_of(path, advisor))
    recorded = GOLDEN / f"{path.stem}.json"
    if UPDATE:
        recorded.write_text(text, encoding="utf-8")
    assert text == recorded.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_says_whether_it_agrees_with_its_guide(path: Path, knowledge: Knowledge) -> None:
    comment = " ".join(line[1:].strip() for line in path.read_text().splitlines() if line.startswith("#"))
    assert re.search(r"\b(agrees|departs)\b", comment)
    assert set(re.findall(r"lesson-[a-z-]+", comment)) <= set(knowledge.sources)


@pytest.mark.parametrize("path", FIELD, ids=lambda path: path.stem)
def test_a_real_case_decides_as_expected(path: Path, advisor: Advisor) -> None:
    pattern, mechanism, sessions, told = EXPECTED_FIELD[path.stem]
    decision = decision_of(path, advisor)
    assert (decision["pattern"], decision["affinity"]["mechanism"]) == (pattern, mechanism)
    modes = decision.get("modes") or {"sessions": not decision.get("flags", {}).get("stateless_http", True)}
    kept = modes["sessions"] if decision["feasible"] else None
    assert kept == sessions
    found = [warning["id"] for warning in decision["warnings"]]
    found += [way["change"] for way in decision["alternatives"]]
    assert [text for text in told if text not in found] == []


@pytest.mark.parametrize("path", FIELD, ids=lambda path: path.stem)
def test_a_real_case_decides_as_recorded(path: Path, advisor: Advisor) -> None:
    text = json_text(decision_of(path, advisor))
    recorded = GOLDEN / "field" / f"{path.stem}.json"
    if UPDATE:
        recorded.write_text(text, encoding="utf-8")
    assert text == recorded.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FIELD, ids=lambda path: path.stem)
def test_the_table_of_real_cases_has_the_report_and_the_decision(path: Path) -> None:
    (row,) = [
        line for line in (path.parent / "README.md").read_text().splitlines() if line.startswith(f"| [{path.stem}]")
    ]
    source = re.search(r"^# Source: (https://github\.com/\S+)$", path.read_text(), re.MULTILINE)
    assert source is not None
    assert f"({source[1]})" in row
    assert f"`{EXPECTED_FIELD[path.stem][0]}`" in row.rsplit("|", 2)[1]


def test_the_decision_of_the_payment_provider_names_its_substitute(advisor: Advisor) -> None:
    decision = decision_of(ROOT / "examples" / "payment-provider.yaml", advisor)
    sampling = next(row for row in decision["features"] if row["feature"] == "sampling")
    assert "rate limit" in sampling["instead"]


def test_an_sdk_upgrade_is_the_first_counterfactual_of_the_old_exercise(advisor: Advisor) -> None:
    decision = decision_of(ROOT / "examples" / "exercise-1-research-mcp-1.28.yaml", advisor)
    first = decision["counterfactuals"][0]
    assert first == {"change": {"sdk": "mcp==1.30.0"}, "then": first["then"]}
    assert first["then"]["pattern"] == "stateless-fleet"


def merged(*parts: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            out[key] = merged(out[key], value) if isinstance(out.get(key), dict) else value
    return out


@pytest.mark.parametrize("path", WALKS, ids=lambda path: path.stem)
def test_a_walk_has_every_combination_of_answers(path: Path) -> None:
    walk = yaml.safe_load(path.read_text())
    names = [question["id"] for question in walk["questions"]]
    every = set(itertools.product(*(question["answers"] for question in walk["questions"])))
    assert [tuple(case["answers"][name] for name in names) for case in walk["cases"]] == sorted(
        every, key=lambda row: [list(q["answers"]).index(a) for q, a in zip(walk["questions"], row, strict=True)]
    )


def cases() -> Iterator[ParameterSet]:
    for path in WALKS:
        walk = yaml.safe_load(path.read_text())
        for case in walk["cases"]:
            yield pytest.param(walk, case, id=f"{path.stem}: {', '.join(case['answers'].values())}")


@pytest.mark.parametrize(("walk", "case"), list(cases()))
def test_each_case_of_a_walk_has_the_recorded_decision_and_verdict(
    walk: dict[str, Any], case: dict[str, Any], advisor: Advisor
) -> None:
    answers = [q["answers"][case["answers"][q["id"]]] for q in walk["questions"]]
    requirements = load_bytes(json.dumps(merged(walk["base"], *answers)).encode(), "walk", advisor.space)
    core = advisor.decide(requirements).core
    decided = {"pattern": core.pattern}
    if core.feasible:
        decided |= core.flags._asdict()
    assert decided == case["decision"]
    guide = {flag: case["guide"][flag] for flag in ("stateless_http", "json_response")}
    same = core.feasible and all(said in (core.flags._asdict()[flag], "either") for flag, said in guide.items())
    assert case["verdict"] == ("agrees" if same else "departs")
    assert len(case["because"].split()) > 5
