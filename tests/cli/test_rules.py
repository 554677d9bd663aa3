"""`mcp-advisor rules list|show|check`, in this process or as processes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from math import prod
from pathlib import Path
from typing import Any

import pexpect
import pytest
from running import run_command_for_text

from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import base_domains
from advisor.knowledge import Knowledge
from advisor.knowledge.paths import rules_dir
from advisor.report.condition_wording import sentence, words
from advisor.report.rule_records import Catalogue
from advisor.report.rule_text import TABLE_NAMES, entry_lines

retried = pytest.mark.retried("The program must end within 60 s.")

ROOT = Path(__file__).parents[2]


def run(*arguments: str, columns: int = 80) -> subprocess.CompletedProcess[str]:
    return run_command_for_text("rules", *arguments, COLUMNS=str(columns))


def record(*arguments: str) -> Any:
    done = run(*arguments, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "warning",
    [
        "elicitation-error-is-not-consent",
        "redirect-loses-the-prefix",
        "shutdown-cuts-running-calls",  # its placeholder stands for a sentence
    ],
)
def test_values_of_decisions_are_explained_once(warning: str) -> None:
    said = " ".join(run("show", warning).stdout.split())
    assert said.count("A decision replaces the words in angle brackets by a value or by advice") == 1


@pytest.mark.parametrize(
    ("rule", "said", "name"),
    [
        ("AFF-110", "nginx is version 1.29.6 or newer (`environment.proxy.version`)", "since-1.29.6"),
        ("PRO-030", "More than one instance runs (`scale.instances`)", "`many`"),
    ],
)
def test_a_condition_does_not_show_the_name_of_a_range_as_a_value(rule: str, said: str, name: str) -> None:
    shown = " ".join(run("show", rule).stdout.split())
    assert said in shown
    assert name not in shown


def test_no_entry_shows_a_placeholder(advisor: Advisor) -> None:
    """Every placeholder of a rule is shown in words, and every declared placeholder is used."""
    catalogue, phrases = Catalogue(advisor.space, advisor.compiled), advisor.knowledge.phrases
    used: set[str] = set()
    for name, (_, rule) in advisor.knowledge.rules.items():
        placeholders = re.findall(r"\{([a-z_.]+)\}", f"{rule.because} {rule.fix}")
        used |= set(placeholders)
        known = {place for place in placeholders if f"placeholder.{place}" in phrases or place in advisor.space.facts}
        assert known == set(placeholders), name
        lines = entry_lines(catalogue.find(name), catalogue)
        shown = [line.text for line in lines if re.search(r"\{[a-z_]+(\.[a-z_.]+)?\}", line.text)]
        assert shown == [], name
    declared = {phrase.removeprefix("placeholder.") for phrase in phrases if phrase.startswith("placeholder.")}
    assert declared <= used


# --- list -------------------------------------------------------------------------------------------------------


def test_list_shows_every_rule(knowledge: Knowledge) -> None:
    listed = record("list")
    assert listed["schema"] == "mcp-advisor/rules/1"
    assert [rule["id"] for rule in listed["rules"]] == list(knowledge.rules)
    text = run("list").stdout
    assert re.findall(r"^  (\S+)  ", text, flags=re.M) == list(knowledge.rules)
    for table in knowledge.tables.values():
        assert f"{table.table}: " in text


def test_list_can_show_one_table(knowledge: Knowledge) -> None:
    listed = record("list", "--table", "framing")
    assert [rule["id"] for rule in listed["rules"]] == [rule.id for rule in knowledge.tables["framing"].rules]
    assert run("list", "--table", "eras").stdout.startswith(
        "eras: Which protocol eras must the server support? (exactly one rule applies)\n"
        "  ERA-010  Legacy clients only\n"
    )


def test_list_refuses_an_unknown_table() -> None:
    done = run("list", "--table", "sesion")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("There is no table 'sesion'. Did you mean 'session'? Tables: eras, ")


# --- show -------------------------------------------------------------------------------------------------------


def test_show_describes_every_part_of_a_rule(knowledge: Knowledge) -> None:
    done = run("show", "SES-300")
    assert (done.returncode, done.stderr) == (0, "")
    rule = knowledge.rules["SES-300"][1]
    said = " ".join(done.stdout.split())
    rules = knowledge.tables["session"].rules
    position = f"rule {rules.index(rule) + 1} of {len(rules)}"
    question = "Which deployment pattern fits, and does the server keep sessions?"
    head = f"SES-300 {rule.title} Rule of the table `session`, which answers the question: {question}"
    assert said.startswith(f"{head} Other id of this rule: ")
    assert "- The server keeps sessions (stateless_http: false)" in said
    assert "- A session affinity mechanism works in this environment - No earlier rule applies" in said
    assert f"Why {rule.because}" in said
    assert f"The first rule that applies decides. This is {position} in the rule table `session`." in said
    for source in rule.sources:
        assert knowledge.sources[source].title in said
        assert knowledge.sources[source].ref in said
        first = re.split(r"(?<=\.) ", " ".join(knowledge.sources[source].says.split()))[0]
        assert first in said
    assert "Applies to: scale.instances: 3, needs.sampling: required" in said
    assert "Does not apply to: scale.instances: 3, needs.sampling: required, scale.affinity: unavailable" in said


def test_every_condition_and_outcome_has_words(knowledge: Knowledge) -> None:
    parts = [
        (name, condition)
        for table in knowledge.tables.values()
        for rule in table.rules
        for name, condition in (*rule.when.items(), *rule.then.items())
    ]
    bare = {f"{name} {words(condition)}" for name, condition in parts}
    assert bare.isdisjoint(sentence(knowledge.phrases, name, condition) for name, condition in parts)


def test_every_name_in_a_rule_is_known_to_users_or_hidden(advisor: Advisor) -> None:
    knowledge = advisor.knowledge
    explained = {*advisor.space.facts, *(fact.id for fact in knowledge.derived)}
    explained |= {"pattern", "stateless_http", "json_response"}
    names = {name for _, rule in knowledge.rules.values() for name in (*rule.when, *rule.then)}
    assert names - explained == names & TABLE_NAMES


def test_every_value_of_a_fact_has_a_description() -> None:
    phrases = {"proxy": "The proxy is {value}", "proxy is none": "No proxy"}
    assert sentence(phrases, "proxy", "nginx") == "The proxy is nginx"
    assert sentence(phrases, "proxy", {"in": ["nginx", "envoy", "istio"]}) == "The proxy is nginx, envoy or istio"
    assert sentence(phrases, "proxy", "none") == "No proxy"
    assert sentence(phrases, "proxy", {"not": "nginx"}) == "proxy is not nginx"


def test_show_explains_the_terms_that_it_uses() -> None:
    said = run("show", "SES-300").stdout
    assert "session affinity: all requests of a session" in said
    assert "state handle" not in said
    assert "HTTP+SSE: the deprecated transport of MCP 2024-11-05, not Streamable HTTP" in run("show", "SES-012").stdout


def test_a_rule_says_which_instances_can_answer_in_its_pattern() -> None:
    assert "Any instance of the stateless tier can answer" in " ".join(run("show", "SES-400").stdout.split())
    assert "-  Any instance can answer any request\n" in run("show", "SES-210").stdout


def test_show_names_the_earlier_rules_that_can_fire_instead() -> None:
    shown = record("show", "SES-200")
    # SES-210 and the like come later; of the earlier ones, each can hold together with it.
    assert [rule["id"] for rule in shown["preempted_by"]] == [
        "SES-006",
        "SES-008",
        "SES-009",
        "SES-010",
        "SES-014",
        "SES-020",
        "SES-030",
        "SES-034",
        "SES-036",
        "SES-037",
        "SES-038",
        "SES-039",
        "SES-040",
        "SES-042",
        "SES-044",
        "SES-046",
        "SES-048",
        "SES-050",
        "SES-088",
        "SES-090",
        "SES-092",
        "SES-093",
        "SES-094",
        "SES-100",
        "SES-110",
    ]
    said = run("show", "SES-200").stdout
    assert "first one that applies decides:\n    SES-006  A gateway refuses every legacy client" in said
    # AFF-110 asks for one proxy and AFF-120 for many: the first cannot take the second's cases.
    assert "AFF-110" not in [rule["id"] for rule in record("show", "AFF-120")["preempted_by"]]
    assert "AFF-010" in [rule["id"] for rule in record("show", "AFF-120")["preempted_by"]]


@pytest.mark.parametrize("name", ["ERA-040", "shared-sealing-keys"])
def test_no_rule_comes_first_under_other_hit_policies(name: str) -> None:
    assert record("show", name)["preempted_by"] == []
    assert "earlier rule" not in run("show", name).stdout.lower()


def test_show_names_the_fix_of_a_warning(knowledge: Knowledge) -> None:
    rule = knowledge.rules["plain-clients-get-406"][1]
    assert record("show", rule.id)["fix"] == rule.fix
    assert f"To fix this {rule.fix}" in " ".join(run("show", rule.id).stdout.split())


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("ses-300", "rule", "Session affinity in the proxy"),
        ("session", "table", "Which deployment pattern fits, and does the server keep sessions?"),
        ("scale.workers", "fact", "Rules that use this fact PRO-005"),
        ("needs.sampling", "fact", "Key of the requirements file. Type: need. Default: none."),
        ("need.session", "derived", "Derived fact: mcp-advisor computes it from the requirements."),
        ("sampling", "feature", "ctx.session.create_message"),
        ("measured-flag-matrix", "source", "Source. Kind: measurement. Date: "),
    ],
)
def test_show_accepts_every_kind_of_id(name: str, kind: str, says: str) -> None:
    shown = record("show", name)
    assert (shown["schema"], shown["kind"], shown["id"].lower()) == ("mcp-advisor/knowledge/1", kind, name)
    assert says in " ".join(run("show", name).stdout.split())


def test_show_refuses_an_unknown_id() -> None:
    done = run("show", "SES-3000")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "There is no rule, fact, feature, source or word 'SES-3000'. Did you mean 'SES-300'? "
        "`mcp-advisor rules list` shows the rules.\n"
    )


def test_every_id_is_unique(advisor: Advisor) -> None:
    ids = [name.lower() for names in Catalogue(advisor.space, advisor.compiled).ids().values() for name in names]
    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("many", "is many"),
        (False, "is false"),
        ({"not": "none"}, "is not none"),
        ({"in": ["a", "b"]}, "is one of a, b"),
        ({"not_in": ["a", "b"]}, "is none of a, b"),
        ({"at_least": "preferred"}, "is at least preferred"),
        ({"is": "is"}, "is is"),
        ({"at_most": "preferred"}, "is at most preferred"),
    ],
)
def test_conditions_are_shown_in_words(condition: Any, said: str) -> None:
    assert words(condition) == said


@pytest.mark.parametrize("columns", [80, 120])
def test_what_is_shown_fits_the_screen(knowledge: Knowledge, columns: int) -> None:
    names = ["AFF-170", "answer-outlives-idle-timeout", "warnings", "environment.proxy.kind", "sampling"]
    for output in [run("list", columns=columns), *(run("show", name, columns=columns) for name in names)]:
        long = [line for line in output.stdout.splitlines() if len(line) > columns]
        assert [line for line in long if "://" not in line] == []  # an address is never broken
        assert "\x1b" not in output.stdout


def test_a_rule_is_found_by_its_alias() -> None:
    for name, alias in (
        ("SES-300", "session-affinity-proxy"),
        ("sessions-without-affinity", "WRN-010"),
        ("change-to-stateless-needs-tests", "flip-needs-the-matrix"),
    ):
        assert run("show", alias).stdout == run("show", name).stdout != ""
    assert "Earlier id of this rule: flip-needs-the-matrix." in run("show", "WRN-370").stdout


# --- check ------------------------------------------------------------------------------------------------------


@pytest.mark.no_cover
def test_check_proves_the_rules(advisor: Advisor) -> None:
    done = run("check", "--format", "json")
    proof = json.loads(done.stdout)
    assert (done.returncode, done.stderr, proof["faults"], proof["ok"]) == (0, "", [], True)
    assert proof["schema"] == "mcp-advisor/proof/1"
    assert proof["combinations"] > 10**12
    assert 10 ** proof["power_of_ten"] == pytest.approx(proof["combinations"], rel=0.02)
    domains = base_domains(advisor)
    assert proof["combinations"] % prod(len(domains[f"needs.{name}"]) for name in advisor.lost.features) == 0
    assert 0 < proof["facts"] <= len(domains)
    assert 0 < proof["classes"] < proof["peak"] < 10**6
    assert proof["rules"] == sum(len(table.spec.rules) for table in advisor.tables.values())
    assert proof["seconds"] > 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(rules_dir(), tmp_path / "rules"))


def _change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.thorough
def test_check_shows_each_fault_once_with_its_counter_example(folder: Path) -> None:
    text = (folder / "sources.yaml").read_text(encoding="utf-8")
    (folder / "sources.yaml").write_text(
        text.replace("id: lesson-two-flags\n", "id: lesson-three-flags\n"), encoding="utf-8"
    )
    _change(
        folder / "tables" / "20-processes.yaml", "    when: {scale.workers: many}\n", "    when: {scale.workers: one}\n"
    )
    done = run("check", "--rules", str(folder))
    assert done.returncode == 1
    assert done.stderr == ""
    assert re.search(r"^Checked\n  [\d,]{15,} combinations \(10\^\d\d\.\d\) of the values of \d+ facts\n", done.stdout)
    fault = done.stdout.split("\nPRO-020: wrong example (example)\n")[1].split("\n\n")[0].rstrip()
    assert fault.endswith("\n  Example:\n    scale.workers: 4")
    assert done.stdout.count("the source 'lesson-two-flags' does not exist") == 1
    place = re.search(
        r"^missing source \(source\) in \d+ places\n  the source 'lesson-two-flags' does not exist\n((?:    .*\n)+)",
        done.stdout,
        re.M,
    )
    assert place
    assert "    PRO-040\n" in place[1]
    assert "    SES-100\n" in place[1]


@pytest.fixture
def gap(folder: Path) -> Path:
    """Rules with a gap in a table. The proof ends with the gap, before it folds the fact space."""
    _change(
        folder / "tables" / "10-eras.yaml",
        "    when: {clients.protocol: legacy, path.eras: {in: [both, legacy]}}\n",
        "    when: {clients.protocol: legacy, path.eras: both}\n",
    )
    return folder


def test_check_reports_a_gap_without_folding_the_fact_space(gap: Path) -> None:
    done = run("check", "--rules", str(gap), "--format", "json")
    proof = json.loads(done.stdout)
    assert (done.returncode, proof["ok"]) == (1, False)
    assert (proof["combinations"], proof["power_of_ten"]) == (0, None)
    gaps = [fault for fault in proof["faults"] if fault["kind"] == "gap"]
    assert gaps == [
        {
            "kind": "gap",
            "where": "eras",
            "message": "no rule applies to these facts",
            "example": {"clients.fallback": "yes", "clients.protocol": "legacy", "path.eras": "legacy"},
        }
    ]


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("tables/10-eras.yaml", "table: [", "rules/tables/10-eras.yaml: "),
        ("tables/10-eras.yaml", "- 1\n", "rules/tables/10-eras.yaml: not a mapping\n"),
        ("sources.yaml", "sources: [{id: x}]\n", "rules/sources.yaml:1: sources[0] (x), title: Field required"),
        ("clients.yaml", "customers: []\n", "rules/clients.yaml: unknown section 'customers'. Sections: facts, "),
    ],
)
def test_check_reports_invalid_files(folder: Path, file: str, content: str, said: str) -> None:
    (folder / file).write_text(content)
    done = run("check", "--rules", str(folder))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1


def test_check_reports_missing_files(folder: Path, tmp_path: Path) -> None:
    (folder / "facts.yaml").unlink()
    done = run("check", "--rules", str(folder))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "rules/: there are no facts\n"
    (tmp_path / "empty").mkdir()
    done = run("check", "--rules", str(tmp_path / "empty"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_check_refuses_a_path_that_is_not_a_folder(tmp_path: Path) -> None:
    done = run("check", "--rules", str(tmp_path / "nothing"))
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"--rules {tmp_path / 'nothing'} is not a folder.\n")


def test_show_works_in_any_encoding() -> None:
    command = [sys.executable, "-m", "advisor", "rules", "show", "AFF-110"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="ascii", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "With `sticky learn ... header`, nginx learns" in done.stdout


@retried
def test_check_shows_progress_only_on_a_terminal(gap: Path) -> None:
    command = ["-m", "advisor", "rules", "check", "--rules", str(gap)]
    child = pexpect.spawn(sys.executable, command, cwd=str(ROOT), timeout=60, encoding="utf-8")
    child.expect_exact("Checking the rules for all combinations of facts")
    child.expect_exact("Checked")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1
