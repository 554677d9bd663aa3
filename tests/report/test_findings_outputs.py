"""SARIF, annotations, Markdown and text about findings with ordinary and hostile paths and messages."""

from __future__ import annotations

import difflib
import json
import random
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from finding_reports import KNOWN, PARTS, STATE, finding, report
from markdown_it import MarkdownIt

from advisor.console.canvas import Screen
from advisor.findings import SEVERITIES, Finding, Fix, Location
from advisor.report.decision_github import annotation
from advisor.report.findings_github import findings_github
from advisor.report.findings_markdown import LIMIT, findings_markdown
from advisor.report.findings_sarif import findings_sarif
from advisor.report.findings_text import findings_text
from advisor.report.serialization import json_text
from advisor.report.unified_diff import line_changes
from advisor.sources.splices import diff
from advisor.triage import Triaged
from advisor.triage.configuration import SeverityEntry, TriagePolicy

HOSTILE = (
    *(
        "\x1b[31m",
        "\x1b]8;;http://x\x07",
        "\0",
        "\x07",
        "\x9b",
        "\u202e",
        "\u2028",
        "\x85",
        "\ud800",
        "\udcff",
        "\r",
        "\n",
    ),
    *("\n::error::x", "::stop-commands::t", "%0A", "%", ":", ",", "]]>", "-->", "<!--", "</details>", "<script>"),
    *(
        "|",
        "`",
        "```",
        "*a*",
        "[x](http://e)",
        "@octocat",
        "#1",
        "{0}",
        "}",
        "\\",
        "\\[",
        "ä",
        "\U0001f600",
        " ",
        "..",
        "//",
    ),
)
FEW, MANY = 150, 5_000


def patched(before: str, after: str, path: str = "nginx.conf") -> str:
    old, new = (text.splitlines(keepends=True) for text in (before, after))
    return "".join(difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", n=1))


def hostile(draw: random.Random, words: int = 6) -> str:
    return "".join(draw.choice((*HOSTILE, "server", "a.py")) for _ in range(draw.randint(1, words)))


def hostile_report(draw: random.Random, root: Path) -> Triaged:
    findings = []
    for _ in range(draw.randint(0, 4)):
        places = [Location(hostile(draw), draw.choice((None, 1, 7))) for _ in range(draw.randint(1, 3))]
        fix = Fix(hostile(draw), draw.choice(("", patched("a\nb\n", f"a\n{hostile(draw)}\n"))))
        each = finding(id=draw.choice((STATE, PARTS)), message=hostile(draw, 20))
        findings.append(each._replace(locations=tuple(places), why=hostile(draw), fix=fix))
    reason = hostile(draw)
    policy = TriagePolicy((SeverityEntry(STATE, draw.choice(SEVERITIES), reason),))
    return report(root, findings, policy, unread=[(hostile(draw), hostile(draw))])


def check(found: Triaged) -> None:
    """What no path and no message can break."""
    phrases = KNOWN.phrases
    annotations = findings_github(found, phrases)
    assert annotations.count("\n") == len(found.findings) + len(found.not_examined) + (not found.examined)
    for line in annotations.splitlines():
        assert re.match(r"::(error|warning|notice)( |::)", line)
    properties = [line[2:].partition("::")[0] for line in annotations.splitlines()]
    for each in properties:
        names = [part.partition("=")[0] for part in each.partition(" ")[2].split(",")]
        assert set(names) <= {"file", "line", "title", ""}
        assert ":" not in each
    text = findings_text(found, phrases, Screen(), full=True)
    markdown = findings_markdown(found, phrases)
    for shown in (annotations, text, markdown):
        assert {char for char in shown if not char.isprintable()} <= {"\n"}
    rendered = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(markdown)
    assert rendered.count("<table>") == bool(found.findings)
    assert rendered.count("<tr>") == len(found.findings) + bool(found.findings)
    assert rendered.count("<details>") == rendered.count("</details>") == len(found.findings)
    assert "<script" not in rendered
    assert not re.search(r'href="(?!https://example.com/)', rendered)
    assert not re.search(r"@octocat", re.sub(r"<code.*?</code>", "", rendered, flags=re.DOTALL))
    log = json.loads(json_text(findings_sarif(found, KNOWN), ascii_only=True))
    check_sarif(log, found)


def check_sarif(log: dict[str, Any], found: Triaged) -> None:
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    every = (*found.findings, *found.suppressed)
    assert len(run["results"]) == len(every)
    for result, each in zip(run["results"], every, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == each.finding.id
        places = [*result["locations"], *result.get("relatedLocations", ())]
        for place, location in zip(places, each.finding.locations, strict=True):
            artifact = place["physicalLocation"]["artifactLocation"]
            assert re.fullmatch(r"(?:file:///)?(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})*", artifact["uri"])
            assert ("uriBaseId" in artifact) != artifact["uri"].startswith(("file://", "/"))
            if "/" not in location.path and ".." not in location.path:
                strange = "\udcff" in location.path and "\ud800" not in location.path
                there = location.path.encode("utf-8", "surrogateescape" if strange else "replace")
                assert unquote_to_bytes(artifact["uri"]) == there


def test_hostile_paths_and_messages_stay_in_their_place(tmp_path: Path) -> None:
    draw = random.Random(7)
    for _ in range(FEW):
        check(hostile_report(draw, tmp_path))


def test_a_name_in_a_path_notifies_no_person(tmp_path: Path) -> None:
    check(report(tmp_path, [finding("a`@octocat`.py", message="`x` @octocat")]))


@pytest.mark.thorough
@pytest.mark.weekly
def test_many_hostile_paths_and_messages_stay_in_their_place(tmp_path: Path) -> None:
    draw = random.Random(8)
    for _ in range(MANY):
        check(hostile_report(draw, tmp_path))


@pytest.mark.parametrize("severity", SEVERITIES)
def test_an_annotation_has_the_level_of_its_severity(severity: str, tmp_path: Path) -> None:
    each = finding(line=12, message="50% of a:b, c\r\nd")._replace(severity=severity)  # type: ignore[arg-type]
    level = {"high": "error", "medium": "warning"}.get(severity, "notice")
    title = each.title.replace(",", "%2C")
    assert findings_github(report(tmp_path, [each]), KNOWN.phrases).splitlines()[-1] == (
        f"::{level} file=server.py,line=12,title={title} ({STATE})::50%25 of a:b, c d Change it."
    )


def test_the_five_characters_are_escaped_as_the_toolkit_of_github_does() -> None:
    assert annotation("low", "a%\r\n:,", file="a%\r\n:,") == "::notice file=a%25%0D%0A%3A%2C::a%25%0D%0A:,"
    assert annotation("low", "x") == "::notice::x"


def test_paths_are_relative_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "a b" / "src"
    root.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    found = report(root, [finding("x/../server.py")])
    assert "file=a b/src/server.py,line=1" in findings_github(found, KNOWN.phrases)
    assert "`a b/src/server.py:1`" in findings_markdown(found, KNOWN.phrases)
    result = findings_sarif(found, KNOWN)["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b/src/server.py"
    monkeypatch.chdir(root)
    assert report(root, []).folder == report(tmp_path, []).folder == ""


def many(root: Path, number: int) -> Triaged:
    return report(root, [finding(line=line, message=f"{line} {'long text ' * 20}") for line in range(1, number + 1)])


@pytest.mark.parametrize(("number", "all_rows"), [(10, True), (150, True), (2000, False)])
def test_markdown_fits_in_a_comment(number: int, all_rows: bool, tmp_path: Path) -> None:
    text = findings_markdown(many(tmp_path, number), KNOWN.phrases)
    assert len(text) <= LIMIT
    assert (text.count("\n| medium |") == number) == all_rows
    left_out = number - text.count("<details>")
    assert (f"The details of {left_out} findings are left out" in text) == bool(all_rows and left_out)
    assert ("more findings do not fit in a comment on GitHub." in text) == (not all_rows)


def test_nothing_examined_is_said(tmp_path: Path) -> None:
    found = report(tmp_path, [], unread=[("a.py", "not valid Python")])
    assert findings_github(found, KNOWN.phrases).startswith("::notice::No file was examined.")
    assert "No file was examined." in findings_markdown(found, KNOWN.phrases)
    (invocation,) = findings_sarif(found, KNOWN)["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False


BEFORE = "".join(f"line {number}\n" for number in range(1, 30))


@pytest.mark.parametrize(
    "after",
    [
        BEFORE.replace("line 3\n", "line three\n").replace("line 20\n", ""),
        f"first\n{BEFORE}last\n",
        BEFORE.replace("line 1\n", "").replace("line 29\n", ""),
        BEFORE.replace("line 5\n", "line 5\n--- a\n+++ b\n@@ -1 +1 @@\n"),
        "",
        "other\n",
    ],
    ids=range(6),
)
def test_a_patch_becomes_the_same_change(after: str) -> None:
    lines = BEFORE.splitlines(keepends=True)
    changes = list(line_changes(patched(BEFORE, after)))
    assert {change.path for change in changes} == {"nginx.conf"}
    for change in reversed(changes):
        lines[change.line - 1 : change.line - 1 + change.removed] = [change.text]
    assert "".join(lines) == after


def test_the_change_of_an_empty_file() -> None:
    assert [tuple(change) for change in line_changes(patched("", "a\nb\n"))] == [("nginx.conf", 1, 0, "a\nb\n")]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a\nb", "a\nc", (2, 1, "c")),
        ("a\nb\n", "a\nc", (2, 1, "c")),
        ("a\nb", "a\nc\n", (2, 1, "c\n")),
        ("a\nb", "x\nb", (1, 1, "x\n")),
        ("a", "a\nb", (1, 1, "a\nb")),
        ("a\n\\ b", "a\n\\ c", (2, 1, "\\ c")),
    ],
)
def test_a_last_line_without_an_end_stays_without_it(before: str, after: str, expected: tuple[int, int, str]) -> None:
    (found,) = line_changes(diff("nginx.conf", before, after))
    assert (found.line, found.removed, found.text) == expected


def with_fix(message: str = "A fault [here] with {braces}.") -> Finding:
    patch = patched("a\nb\nc\n", "a\nB\nc\n") + patched("x\n", "x\ny\n", "conf.d/other.conf")
    return finding("nginx.conf", 2, message=message)._replace(
        fix=Fix("Change it.", patch, True), locations=(Location("nginx.conf", 2), Location("server.py"))
    )


def test_sarif_has_places_fixes_and_suppressions(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(f"a\nb  # mcp-advisor: ignore[{PARTS}] one instance\nc\n")
    policy = TriagePolicy((SeverityEntry(STATE, "low", "a test"),))
    found = report(tmp_path, [with_fix(), finding("nginx.conf", 2, PARTS)], policy)
    (run,) = findings_sarif(found, KNOWN)["runs"]
    first, second = run["results"]
    assert first["level"] == "note"
    assert first["message"]["text"].startswith(r"A fault \[here\] with {{braces}}. (medium without")
    assert first["properties"]["overriddenSeverity"] == "medium"
    assert first["locations"][0]["physicalLocation"]["region"] == {"startLine": 2}
    assert first["relatedLocations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    changes = first["fixes"][0]["artifactChanges"]
    assert [change["artifactLocation"]["uri"] for change in changes] == ["conf.d/other.conf", "nginx.conf"]
    region = {"startLine": 2, "startColumn": 1, "endLine": 3, "endColumn": 1}
    assert changes[1]["replacements"] == [{"deletedRegion": region, "insertedContent": {"text": "B\n"}}]
    assert first["partialFingerprints"] == {"mcpAdvisorFinding/v1": found.findings[0].fingerprint}
    (why,) = second["suppressions"]
    assert why == {"kind": "inSource", "status": "accepted", "justification": "one instance"}
    rules = run["tool"]["driver"]["rules"]
    assert [rule["defaultConfiguration"]["level"] for rule in rules] == ["note", "warning"]
    assert all(rule["helpUri"].startswith("https://") and rule["help"]["markdown"] for rule in rules)
