"""A runbook has a section for each alert and failure of the kit, and commands that name parts of the kit."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from running import run_command

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.kit.context import kit_context
from advisor.kit.expected_failures import ExpectedFailure, expected_failures
from advisor.kit.model import KitContext
from advisor.kit.render import render_kit
from advisor.report.markdown import anchor
from advisor.requirements import load_bytes
from advisor.team_documents.runbook import kit_alerts

EXAMPLES = Path(__file__).parents[2] / "examples"
PARTS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
"""The parts of a section: https://github.com/prometheus-operator/runbooks has exactly these parts."""


@dataclass(frozen=True)
class Case:
    """A runbook and the kit that it is for."""

    text: str
    decision: Decision
    kit: KitContext
    files: dict[str, str]

    def section(self, heading: str) -> str:
        return self.text.split(f"\n## {heading}\n")[1].split("\n## ")[0]

    def code(self, language: str) -> list[str]:
        """The blocks of code, without the indent of a list."""
        found = re.findall(rf"^( *)```{language}\n(.*?)\n *```$", self.text, re.MULTILINE | re.DOTALL)
        return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


OF_THE_PROCESS = {
    "up",
    "process_open_fds",
    "process_max_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
}
"""The metrics of Prometheus and of its client for Python."""

NAMES = ("customer-service-agent", "saas-b2b", "exercise-2-team-document", "analytics-behind-alb", "payment-provider")
PLATFORMS = ("kubernetes", "compose", "systemd", "serverless", "local")


CONTRADICTIONS = tuple(f"{name} serverless" for name in NAMES[:3])
"""These examples need sessions, which a serverless platform does not have."""
CASES = [
    case for case in (f"{name} {platform}" for name in NAMES for platform in PLATFORMS) if case not in CONTRADICTIONS
]


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, advisor: Advisor, tmp_path_factory: pytest.TempPathFactory) -> Case:
    name, platform = request.param.split()
    text = (EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8")
    text = re.sub(r"platform: \w+", f"platform: {platform}", text)
    decision = advisor.decide(load_bytes(text.encode(), "requirements.yaml", advisor.space))
    folder = tmp_path_factory.mktemp("runbook")
    (folder / "requirements.yaml").write_text(text, encoding="utf-8")
    done = run_command("document", "requirements.yaml", "-o", "RUNBOOK.md", "--format", "runbook", cwd=folder)
    assert done.returncode == 0, done.stderr.decode()
    kit = kit_context(decision)
    files = {file.path: file.content for file in render_kit(decision, text, kit)}
    return Case((folder / "RUNBOOK.md").read_text(encoding="utf-8"), decision, kit, files)


def test_each_alert_and_each_failure_has_a_section(case: Case) -> None:
    alerts = re.findall(r"^### (.*)$", case.section("Alerts"), re.MULTILINE)
    assert alerts == [alert.name for alert in kit_alerts(case.kit)]
    assert bool(alerts) == ("monitoring/alerts.yaml" in case.files)
    failures = re.findall(r"^### (.*)$", case.section("Failures"), re.MULTILINE)
    assert failures == list(dict.fromkeys(failure.event.title for failure in _ordered(case.kit)))
    for section in (case.section("Alerts"), case.section("Failures")):
        for part in section.split("\n### ")[1:]:
            assert re.findall(r"^#### (.*)$", part, re.MULTILINE) == PARTS
            for body in re.split(r"^#### .*$", part, flags=re.MULTILINE)[1:]:
                assert body.strip(), part


def test_each_alert_has_the_address_of_its_section(case: Case) -> None:
    if "monitoring/alerts.yaml" in case.files:
        document = yaml.safe_load(case.files["monitoring/alerts.yaml"])
        rules = document.get("spec", document)["groups"][0]["rules"]
        headings = re.findall(r"^### (.*)$", case.section("Alerts"), re.MULTILINE)
        # GitHub, GitLab and Python-Markdown make the anchor of a single word in this way.
        addresses = [f"YOUR_RUNBOOK_URL#{heading.lower()}" for heading in headings]
        assert [rule["annotations"]["runbook_url"] for rule in rules] == addresses
        for file in ("README.md", "DECISION.md", "monitoring/alerts.yaml"):
            assert "runbook" in case.files[file], file
        command = r"sed -i\.bak 's\|YOUR_RUNBOOK_URL\|[^']*' monitoring/alerts\.yaml"
        assert re.search(command, case.files["README.md"])
    else:
        assert "runbook" not in case.files["README.md"] + case.files["DECISION.md"]


def _ordered(kit: KitContext) -> list[ExpectedFailure]:
    events = [event.id for event in kit.knowledge.events]
    return sorted(expected_failures(kit), key=lambda failure: events.index(failure.event.id))


def test_each_text_about_clients_is_that_of_the_kit(case: Case) -> None:
    failures = case.section("Failures").replace("\\", "")
    for failure in expected_failures(case.kit):
        assert failure.clients in failures or "As for legacy clients." in failures


def test_each_alert_starts_with_its_condition(case: Case) -> None:
    for alert, part in zip(kit_alerts(case.kit), _parts(case.section("Alerts")), strict=False):
        assert f"\n```promql\n{alert.query}\n```\n" in part


def _parts(section: str) -> list[str]:
    return section.split("\n### ")[1:]


def test_no_two_sections_have_the_same_diagnosis(case: Case) -> None:
    found = re.findall(r"^#### Diagnosis\n(.*?)\n#### Mitigation", case.text, re.MULTILINE | re.DOTALL)
    assert len(found) == len(set(found)) > 5
    if case.kit.platform != "serverless":
        commands = [
            tuple(re.findall(r"^ *```(?:sh|promql)\n(.*?)```", text, re.MULTILINE | re.DOTALL)) for text in found
        ]
        assert len(set(commands)) == len(commands)
        assert all(text.count("* Bad: ") == text.count("* Good: ") >= 1 for text in found)


def test_each_warning_that_can_be_noticed_has_a_section(case: Case, advisor: Advisor) -> None:
    silent = {name for group in advisor.knowledge.silent_warnings.values() for name in group.warnings}
    named = {finding.id for finding in case.decision.warnings} - silent
    assert named
    shown = re.findall(r"^\* \[([\w-]+)\]", case.section("Problems"), re.MULTILINE)
    assert set(shown) == named
    assert all(shown.count(name) == 3 for name in named), "meaning, impact and mitigation"


def test_the_start_leads_to_each_section(case: Case) -> None:
    links = re.findall(r"^\* \[.*\]\(#(.*?)\)", case.section("Start here"), re.MULTILINE)
    headings = re.findall(r"^### (.*)$", case.text, re.MULTILINE)
    assert links == [anchor(heading.replace("\\", "")) for heading in headings]


def test_the_start_is_on_the_first_screen(case: Case) -> None:
    """At night, a person who is on call does not want to scroll past pictures."""
    before, _ = case.text.split("\n## Start here\n")
    assert before.count("\n") < 10


def test_the_log_of_one_pod_does_not_hide_the_others(case: Case) -> None:
    """Without this option, kubectl stops at the first pod that has never restarted."""
    for command in case.code("sh"):
        assert ("--previous" in command) == ("--ignore-errors" in command), command


def test_the_queries_name_metrics_of_the_kit(case: Case) -> None:
    queries = case.code("promql")
    if "monitoring/alerts.yaml" not in case.files:
        assert queries == []
        return
    exported = set(re.findall(r'"(mcp_\w+)"', case.files["server/runtime/metrics.py"])) | OF_THE_PROCESS
    for query in queries:
        named = re.findall(r"\b([a-z_]+)\{", query) + re.findall(r"\bmcp_\w+", query)
        assert {re.sub(r"_(bucket|count)$", "", name) for name in named if name != "__name__"} <= exported, query


@pytest.mark.programs
def test_the_queries_and_commands_can_be_pasted(case: Case, tmp_path: Path) -> None:
    if queries := case.code("promql"):
        rules = [{"record": f"q{number}", "expr": query} for number, query in enumerate(dict.fromkeys(queries))]
        (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "runbook", "rules": rules}]}))
        program = shutil.which("promtool")
        assert program, "promtool is missing: apt-get install --no-install-recommends prometheus"
        done = subprocess.run([program, "check", "rules", "rules.yaml"], cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
    for command in case.code("sh"):
        done = subprocess.run(["bash", "-n"], input=command.encode(), capture_output=True, check=False)
        assert done.returncode == 0, (command, done.stderr.decode())


def test_the_commands_name_parts_of_the_kit(case: Case) -> None:
    commands = "\n".join(case.code("sh"))
    manifests = [
        document
        for path, content in case.files.items()
        if path.startswith("kubernetes/") and path.endswith(".yaml")
        for document in yaml.safe_load_all(content)
        if document
    ]
    objects = {f"{each['kind'].lower()}/{each['metadata']['name']}" for each in manifests if "metadata" in each}
    assert set(re.findall(r"(?:deployment|statefulset)/[\w-]+", commands)) <= objects
    for namespace in re.findall(r"kubectl -n (\S+)", commands):
        assert f"namespace/{namespace}" in objects
    for service in re.findall(r"docker compose restart (\S+)", commands):
        assert service in yaml.safe_load(case.files["compose.yaml"])["services"]
    for unit in re.findall(r"systemctl restart (\S+?)(?:@\d+)?$", commands, re.MULTILINE):
        assert {f"systemd/{unit}.service", f"systemd/{unit}@.service"} & case.files.keys()
    used = {"kubectl": "kubernetes", "docker compose": "compose", "systemctl": "systemd"}
    for program, platform in used.items():
        same = case.kit.platform == platform or (platform, case.kit.platform) == ("compose", "local")
        assert bool(re.search(rf"^(?:sudo )?{program} ", commands, re.MULTILINE)) == same, program


def test_the_times_are_those_of_the_kit(case: Case) -> None:
    rollout = case.section("Rollout and drain")
    for tier in case.kit.tiers:
        row = next(line for line in rollout.splitlines() if line.startswith(f"| {tier.name} "))
        assert f"| {tier.shutdown_s} s " in row
    if case.kit.platform == "kubernetes":
        grace = {int(found) for found in re.findall(r"\| (\d+) s +\|$", rollout, re.MULTILINE)}
        stated = "\n".join(case.files[path] for path in case.files if path.startswith("kubernetes/"))
        assert {str(number) for number in grace} <= set(re.findall(r"terminationGracePeriodSeconds: (\d+)", stated))


def test_the_text_has_no_gaps(case: Case) -> None:
    text = re.sub(r" *```.*?```|<!--.*?-->|`[^`\n]+`|^\|.*$", "`code`", case.text, flags=re.MULTILINE | re.DOTALL)
    assert not re.search(r"\.\.|: \.|None|Undefined|\(\)| ,|\S  \S", text)
    assert re.findall(r":\n\n+(?!`code`|\*|\d)(.*)$", text, re.MULTILINE) == []


def test_there_is_no_runbook_without_a_deployment(tmp_path: Path) -> None:
    output = tmp_path / "RUNBOOK.md"

    def refused(name: str) -> tuple[int, str]:
        done = run_command("document", EXAMPLES / f"{name}.yaml", "-o", output, "--format", "runbook")
        return done.returncode, done.stderr.decode().split(" for ")[0]

    assert refused("sampling-on-a-stateless-fleet") == (3, "There is no runbook")
    assert refused("field/go-replicas") == (2, "There is no runbook")
    assert refused("local-development") == (2, "There is no runbook")
    assert not output.exists()
