"""Ignore comments: where they stand, what they accept, and the findings about the comments themselves."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from finding_reports import PARTS, STATE, finding, report

from advisor.triage.ignore_comments import ignore_comments

REASON = "The server has one instance."


def states(root: Path, text: str, *lines: int, path: str = "server.py") -> tuple[list[str], list[str]]:
    """The ids of the reported findings, and the reasons of the others, for a finding `STATE` in each of the lines."""
    (root / path).write_text(text, encoding="utf-8")
    found = report(root, [finding(path, line) for line in lines])
    reasons = [each.suppression.reason for each in found.suppressed if each.suppression]
    return sorted(each.finding.id for each in found.findings), reasons


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("server.py", f"x.append(1)  # mcp-advisor: ignore[{STATE}] {REASON}\n"),
        ("main.tf", f"x = 1 // mcp-advisor: ignore[{STATE}] {REASON}\n"),
        ("page.xml", f"<x/> <!-- mcp-advisor: ignore[{STATE}] {REASON} -->\n"),
        ("nginx.conf", f"hash $x; # mcp-advisor:ignore [ {STATE} , {PARTS} ]: {REASON}\n"),
        ("server.py", f"x.append('#')  # noqa # mcp-advisor: ignore[{STATE}] {REASON}\r\n"),
    ],
)
def test_a_comment_on_the_line_accepts_its_finding(path: str, text: str, tmp_path: Path) -> None:
    reported, reasons = states(tmp_path, text, 1, path=path)
    assert reasons == [REASON]
    assert reported == (["unused-ignore"] if PARTS in text else [])


@pytest.mark.parametrize("start", ["#", "    #", "//", "##"])
def test_a_comment_alone_on_its_line_accepts_the_next_line(start: str, tmp_path: Path) -> None:
    text = f"{start} mcp-advisor: ignore[{STATE}] {REASON}\nx.append(1)\nx.append(1)\n"
    assert states(tmp_path, text, 2, 3, path="a.tf") == ([STATE], [REASON])


def test_several_comments_can_stand_above_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        f"# mcp-advisor: ignore[{STATE}] one\n# mcp-advisor: ignore[{PARTS}] two\nx.append(1)\n"
    )
    found = report(tmp_path, [finding("a.py", 3), finding("a.py", 3, PARTS)])
    assert {each.suppression.reason for each in found.suppressed if each.suppression} == {"one", "two"}
    assert not found.findings


def test_a_comment_on_the_line_does_not_accept_the_next_line(tmp_path: Path) -> None:
    text = f"x.append(1)  # mcp-advisor: ignore[{STATE}] {REASON}\nx.append(1)\n"
    assert states(tmp_path, text, 2) == ([STATE, "unused-ignore"], [])


def test_any_place_of_a_finding_can_have_the_comment(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("hash $x;\n")
    (tmp_path / "server.py").write_text(f"x = 1  # mcp-advisor: ignore[{STATE}] {REASON}\n")
    (first,), (second,) = finding("a.conf").locations, finding("server.py").locations
    found = report(tmp_path, [finding()._replace(locations=(first, second))])
    assert not found.findings
    assert found.suppressed[0].suppression is not None
    assert found.suppressed[0].suppression.location.path == "server.py"


def test_a_comment_without_a_reason_has_no_effect(tmp_path: Path) -> None:
    for reason in ("", " ", " -", ": ..."):
        reported, reasons = states(tmp_path, f"x.append(1)  # mcp-advisor: ignore[{STATE}]{reason}\n", 1)
        assert (reported, reasons) == (["ignore-without-reason", STATE], [])


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("ignore[state-in-proces] x", "Did you mean 'state-in-process'?"),
        ("ignore[zzz] x", "No finding has the id `zzz`."),
        ("ignore x", "The ignore comment has no id in square brackets."),
        ("ignore[] x", "The ignore comment has no id in square brackets."),
        ("ignore[a\x1b[31mb] x", "No finding has the id `a\ufffd[31mb`."),
    ],
)
def test_an_unknown_id_is_a_finding_with_the_nearest_id(comment: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"x = 1  # mcp-advisor: {comment}\n")
    (found,) = report(tmp_path, []).findings
    assert found.finding.id == "unknown-ignore"
    assert said in found.finding.message


def test_an_unused_comment_is_a_finding_if_the_command_judges_the_id(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"x = 1  # mcp-advisor: ignore[{STATE}, {PARTS}] {REASON}\n")
    found = report(tmp_path, [], judged=[STATE])
    assert [each.finding.id for each in found.findings] == ["unused-ignore"]
    assert STATE in found.findings[0].finding.message


@pytest.mark.parametrize(
    "code",
    [
        f'x = "# mcp-advisor: ignore[{STATE}] {REASON}"\n',
        f'"""Text.\n# mcp-advisor: ignore[{STATE}] {REASON}\n"""\n',
        f"x = r'''\\'\n# mcp-advisor: ignore[{STATE}] {REASON}\n'''\n",
        f"x = 'a\\\n # mcp-advisor: ignore[{STATE}] {REASON}'\n",
        f"mcp-advisor: ignore[{STATE}] {REASON}\n",
        f"x = 1#mcp-advisor : ignore[{STATE}]\n",
    ],
)
def test_a_string_is_no_comment(code: str, tmp_path: Path) -> None:
    assert list(ignore_comments(code, "a.py")) == []


def test_a_comment_after_a_string_is_found() -> None:
    code = f"x = '''a'b''c''' + \"#\" + 'it\\'s'  # mcp-advisor: ignore[{STATE}] {REASON}\n"
    (found,) = ignore_comments(f"'''\n\n'''\n{code}", "a.py")
    assert (found.line, found.target, found.ids, found.reason) == (4, 4, (STATE,), REASON)


@pytest.mark.parametrize(
    "text",
    [
        "\\'''" * 250_000,
        "'" * 1_000_000,
        "#" * 1_000_000,
        "# " * 500_000,
        "# mcp-advisor: ignore[" * 40_000,
        "# mcp-advisor: ignore[a] x\n" * 35_000,
        "# mcp-advisor: ignore[" + "a," * 400_000 + "] x",
        "'\\" * 500_000,
        '"""\\' * 200_000,
    ],
    ids=range(9),
)
@pytest.mark.parametrize("path", ["a.py", "a.conf"])
def test_no_file_takes_longer_than_a_second(text: str, path: str) -> None:
    started = time.process_time()
    list(ignore_comments(text, path))
    assert time.process_time() - started < 1


def test_a_link_out_of_the_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text(f"# mcp-advisor: ignore[{STATE}]\n")
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.py").symlink_to(tmp_path / "secret.py")
    (root / "loop.py").symlink_to(root / "loop.py")
    found = report(root, [finding("../secret.py"), finding("a.py"), finding("loop.py"), finding("a\0b")])
    assert [each.finding.id for each in found.findings] == [STATE] * 4
