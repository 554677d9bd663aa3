"""Every text that a person reads keeps the house style. prose.yaml holds the rules and the justified exceptions."""

from __future__ import annotations

from pathlib import Path

import prose
import pytest


@pytest.fixture(scope="module")
def remarks() -> list[prose.Remark]:
    """The remarks on every text, also those that are excused."""
    return prose.check(style={**prose.STYLE, "exceptions": []})


def test_no_text_breaks_the_house_style(remarks: list[prose.Remark]) -> None:
    found = [remark for remark in remarks if not prose.excused(remark, prose.STYLE)]
    assert not found, "\n".join(map(str, found))


def test_every_exception_says_why_and_is_needed(remarks: list[prose.Remark]) -> None:
    for exception in prose.STYLE["exceptions"]:
        assert set(exception) == {"path", "text", "because"}
        assert any(prose.excused(remark, {"exceptions": [exception]}) for remark in remarks), exception


@pytest.mark.parametrize(
    ("name", "source", "line"),
    [
        ("page.md", "A title\n\nThe proxy mends the session.\n", 3),
        ("page.md", "| a | b |\n|---|---|\n| good | the whole session |\n", 3),
        ("rules.yaml", "# What was seen\nid: a\n", 1),
        ("rules.yaml", "id: a\nbecause: >-\n  A handle is lost there.\n", 2),
        ("code.py", '"""Module."""\n\n\ndef f() -> None:\n    """The client may not know it."""\n', 5),
        ("code.py", "x = 1\n# The session travels\n# to the owner.\n", 2),
        ("code.py", 'message = f"the proxy {1} is held back here"\n', 1),
        ("conf.j2", "{# Every request at once. #}\nlisten {{ port }};\n# nobody reads {{ x }} here\n", 1),
    ],
)
def test_each_kind_of_text_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, source: str, line: int
) -> None:
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    (tmp_path / name).write_text(source, encoding="utf-8")
    kind = {".md": "markdown", ".yaml": "yaml", ".py": "python", ".j2": "template"}[Path(name).suffix]
    found = [
        remark
        for text in prose.texts_of(tmp_path / name, kind, set())
        for remark in prose.remarks_on(text, prose.STYLE)
    ]
    assert line in {remark.line for remark in found}


def test_code_is_not_read() -> None:
    text = prose.Text("page.md", 1, "Use `nginx-session-envelope` and [whole](https://may.example/at-once).")
    assert [remark.found for remark in prose.remarks_on(text, prose.STYLE)] == ["'whole'"]


def test_a_long_sentence_is_a_remark() -> None:
    text = prose.Text("page.md", 1, " ".join(["word"] * 31) + ".")
    assert [remark.found for remark in prose.remarks_on(text, prose.STYLE)] == ["a sentence of 31 words"]
