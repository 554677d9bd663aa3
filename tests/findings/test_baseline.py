"""The baseline: fingerprints after changes of a file, accepted and stale entries, and invalid files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from finding_reports import PARTS, STATE, finding, report
from running import run_command_for_text

from advisor.errors import InputError
from advisor.report.serialization import json_lines
from advisor.triage.baseline import Baseline, accepting, baseline_document, read_baseline

SERVER = """
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("orders")
orders = []


@mcp.tool()
def add(order: str) -> int:
    orders.append(order)
    return len(orders)


mcp.run("streamable-http")
"""


def accepted(root: Path, lines: list[int]) -> Baseline:
    found = report(root, [finding(line=line) for line in lines])
    return Baseline("b", tuple(enumerate(accepting(found.findings), 3)))


def test_a_moved_line_and_its_spaces_keep_the_fingerprint(tmp_path: Path) -> None:
    server = tmp_path / "server.py"
    server.write_text("x.append(1)\nx.append(1)\nx.append(2)\n")
    baseline = accepted(tmp_path, [1, 2, 3])
    server.write_text("import y\n\n\n    x.append( 1)\n\tx.append(1)\nx.append(2)  # mcp-advisor: ignore[x] y\n")
    found = report(tmp_path, [finding(line=line) for line in (4, 5, 6)], baseline=baseline)
    assert len(found.suppressed) == 2, "the second line has other text"
    assert len(found.stale) == 1
    server.write_text("import y\n\n\n    x.append(1)\n\tx.append(1)\nx.append(2)  # mcp-advisor: ignore[x] y\n")
    found = report(tmp_path, [finding(line=line) for line in (4, 5, 6)], baseline=baseline)
    assert (len(found.suppressed), found.stale) == (3, ())


def test_another_line_with_the_same_text_is_reported(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("x.append(1)\nx.append(1)\n")
    baseline = accepted(tmp_path, [1])
    found = report(tmp_path, [finding(line=1), finding(line=2)], baseline=baseline)
    assert [each.finding.line for each in found.findings] == [2]
    assert [each.finding.line for each in found.suppressed] == [1]


def test_the_order_of_the_findings_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("x\nx\nx\n")
    findings = [finding(line=line) for line in (1, 2, 3)] + [finding(line=None), finding(line=99)]
    there = report(tmp_path, findings)
    back = report(tmp_path, findings[::-1])
    assert there == back
    text = json_lines(baseline_document(accepting(there.findings)))
    assert text == json_lines(baseline_document(accepting(back.findings[::-1])))
    assert len({each.fingerprint for each in there.findings}) == 5


def test_an_entry_without_a_finding_is_stale_if_the_command_judges_it(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("x\n")
    (tmp_path / "other.py").write_text("x\n")
    before = report(tmp_path, [finding(), finding("other.py"), finding(id=PARTS), finding("gone.py")])
    baseline = Baseline("b", tuple(enumerate(accepting(before.findings), 3)))
    after = report(tmp_path, [], baseline=baseline, judged=[STATE])
    assert sorted((entry.id, entry.path) for _, entry in after.stale) == [
        (STATE, path) for path in ("gone.py", "other.py", "server.py")
    ]
    # A file that was not read has no findings for another reason.
    (tmp_path / "server.py").rename(tmp_path / "other.py")
    (tmp_path / "gone.py").mkdir()
    assert [entry.path for _, entry in report(tmp_path, [], baseline=baseline, judged=[PARTS]).stale] == ["server.py"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty. Write a baseline with the option --write-baseline."),
        ("[]", "1: [] is not a mapping. Keys: schema, findings."),
        ("{", "while parsing a flow node (column 1)."),
        ('{"schema": "mcp-advisor/scan/1", "findings": []}', "schema: 'mcp-advisor/scan/1' is not allowed."),
        ('{"findings": []}', "1: schema: the key is missing."),
        ('{"schema": "mcp-advisor/baseline/1",\n"findings": 3}', "2: findings: 3 is not a list."),
        (
            '{"schema": "mcp-advisor/baseline/1",\n"findings": [\n{"id": "a", "path": "b", "fingerprnt": "0"}]}',
            "3: findings[0].fingerprnt: unknown key. Did you mean 'fingerprint'?",
        ),
        (
            '{"schema": "mcp-advisor/baseline/1",\n"findings": [\n{"id": "a", "path": "b", "fingerprint": "X\\nY"}]}',
            "3: findings[0].fingerprint: 'X\ufffdY' is not 16 hexadecimal digits.",
        ),
    ],
)
def test_an_invalid_baseline_is_an_error_with_line_and_key(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        read_baseline(str(file))
    assert f"{file}" in str(caught.value)
    assert said in str(caught.value)
    assert "requirements" not in str(caught.value)


def test_ten_thousand_entries_are_read(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("x\n" * 10_000)
    found = report(tmp_path, [finding(line=line) for line in range(1, 10_001)])
    file = tmp_path / "b.json"
    file.write_text(json_lines(baseline_document(accepting(found.findings)), ascii_only=True))
    assert len(read_baseline(str(file)).entries) == 10_000


def test_the_command_writes_uses_and_prunes_a_baseline(tmp_path: Path) -> None:
    server = tmp_path / "server.py"
    server.write_text(SERVER)
    for format in ("text", "yaml", "json", "sarif"):
        done = run_command_for_text("scan", ".", "--write-baseline", "b.json", "--format", format, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, "")
    written = (tmp_path / "b.json").read_bytes()
    assert json.loads(written)["findings"][0]["id"] == STATE
    server.write_text(f"# moved\n{SERVER}")
    used = run_command_for_text("scan", ".", "--baseline", "b.json", cwd=tmp_path)
    assert used.returncode == 0
    assert "No findings." in used.stdout
    assert "1 accepted finding is left out" in used.stdout
    full = run_command_for_text("scan", ".", "--baseline", "b.json", "--full", cwd=tmp_path)
    assert "the baseline has this finding" in full.stdout
    document = json.loads(run_command_for_text("scan", ".", "--baseline", "b.json", "-f", "json", cwd=tmp_path).stdout)
    assert (document["findings"], document["suppressed"]) == ([], 1)

    server.write_text(SERVER.replace("orders.append(order)", "print(order)"))
    stale = run_command_for_text("scan", ".", "--baseline", "b.json", cwd=tmp_path)
    assert stale.returncode == 1
    assert "b.json:3: there is no finding state-in-process in 'server.py' any more." in stale.stderr
    command = "mcp-advisor scan . --baseline b.json --write-baseline b.json"
    assert f"`{command}`" in stale.stderr
    assert run_command_for_text(*command.split()[1:], cwd=tmp_path).returncode == 0
    assert json.loads((tmp_path / "b.json").read_bytes())["findings"] == []
    assert run_command_for_text("scan", ".", "--baseline", "b.json", cwd=tmp_path).returncode == 0


def test_pruning_accepts_no_new_finding(tmp_path: Path) -> None:
    server = tmp_path / "server.py"
    server.write_text(SERVER)
    run_command_for_text("scan", ".", "--write-baseline", "b.json", cwd=tmp_path)
    written = (tmp_path / "b.json").read_bytes()
    server.write_text(SERVER.replace("orders.append(order)", "orders.append(order)\n    orders.append(2)"))
    pruned = run_command_for_text("scan", ".", "--baseline", "b.json", "--write-baseline", "b.json", cwd=tmp_path)
    assert pruned.returncode == 0
    assert (tmp_path / "b.json").read_bytes() == written


def test_a_baseline_is_not_written_if_nothing_was_examined(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("print(1)\n")
    assert run_command_for_text("scan", ".", "--write-baseline", "b.json", cwd=tmp_path).returncode == 5
    assert not (tmp_path / "b.json").exists()


def test_a_baseline_in_a_missing_folder_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    done = run_command_for_text("scan", ".", "--write-baseline", "missing/b.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "missing/b.json: no such file or directory." in done.stderr
