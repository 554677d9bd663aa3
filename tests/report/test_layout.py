from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from advisor.console.canvas import Canvas, Column, Screen
from advisor.console.layout import paint
from advisor.report.markdown import cell, code, code_cell, prose

WORDS = st.text(st.sampled_from("ab .,-\n界"), max_size=80)


@given(WORDS, st.integers(60, 120))
def test_a_wrapped_paragraph_fits_and_keeps_every_word(text: str, width: int) -> None:
    canvas = Canvas(Screen(width))
    canvas.line(text, indent=3)
    drawn = canvas.text()
    assert all(cell_len(line) <= width for line in drawn.splitlines())
    assert "".join(drawn.split()) == "".join(text.split())


def test_code_is_neither_wrapped_nor_cut() -> None:
    canvas = Canvas(Screen(60))
    canvas.line("Before")
    canvas.code(f"run {'x' * 100}\n  --option")
    canvas.line("After")
    assert canvas.text().splitlines() == ["Before", f"run {'x' * 100}", "  --option", "After"]


def test_only_flexible_columns_shrink() -> None:
    canvas = Canvas(Screen(60))
    columns = [Column("A", fixed=True), Column("B"), Column("C")]
    canvas.table(columns, [(["x" * 20, "y " * 30, "z " * 30], "")])
    lines = canvas.text().splitlines()
    assert any("x" * 20 in line for line in lines)
    assert all(cell_len(line) <= 60 for line in lines)


@given(
    st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=4),
    st.tuples(st.booleans(), st.booleans()),
    st.integers(60, 80),
)
def test_a_table_fits_and_keeps_every_character(
    rows: list[tuple[str, str, str]], fixed: tuple[bool, bool], width: int
) -> None:
    canvas = Canvas(Screen(width))
    columns = [Column("A", fixed=fixed[0], least=30), Column("B", fixed=fixed[1], least=30), Column("C", least=20)]
    canvas.table(columns, [(row, "") for row in rows])
    canvas.pairs(rows)
    drawn = canvas.text()
    assert all(cell_len(line) <= width for line in drawn.splitlines())
    for char in "ab界":
        assert drawn.count(char) == 2 * sum(cell.count(char) for row in rows for cell in row)


def test_a_long_heading_is_not_cut() -> None:
    canvas = Canvas(Screen(60))
    canvas.heading("word " * 20)
    assert canvas.text().count("word") == 20


def test_markup_is_shown_unchanged() -> None:
    canvas = Canvas(Screen(60))
    canvas.line("[bold]x[/bold] :smile:")
    canvas.pairs([("[red]a", "b[/]")])
    canvas.table([Column("[i]h")], [(["[link=x]y"], "")])
    canvas.tree("[b]t", [["[u]e"]])
    drawn = canvas.text()
    for text in ("[bold]x[/bold] :smile:", "[red]a", "b[/]", "[i]h", "[link=x]y", "[b]t", "[u]e"):
        assert text in drawn


def test_ascii_terminals_get_ascii() -> None:
    canvas = Canvas(Screen(60, unicode=False))
    canvas.heading("Title")
    canvas.table([Column("head")], [(["cell"], "")])
    canvas.tree("root", [["a", "b"], ["c"]])
    assert canvas.text().isascii()


def test_without_colour_there_are_no_escape_sequences() -> None:
    plain, coloured = (Canvas(Screen(60, colour=colour)) for colour in (False, True))
    for canvas in (plain, coloured):
        canvas.line(("x", "bold red"))
    assert plain.text() == "x\n"
    assert "\x1b[" in coloured.text()
    assert paint([("x", "green")], colour=False) == "x"
    assert paint([("x", "green")], colour=True) == "\x1b[32mx\x1b[0m"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a `x*y` *b*", r"a `x*y` \*b\*"),
        ("Cannot send '<method>'", r"Cannot send '\<method\>'"),
        ("stateless_http and _b_", r"stateless_http and \_b\_"),
        ("[x](y)", r"\[x\](y)"),
    ],
)
def test_prose_is_escaped(text: str, expected: str) -> None:
    assert prose(text) == expected


def test_a_cell_cannot_leave_its_table() -> None:
    assert cell("a | b\nc") == r"a \| b c"
    assert code_cell("a|b") == r"`a\|b`"


def test_code_spans_can_contain_backticks() -> None:
    assert code("a`b") == "``a`b``"
    assert code("`") == "`` ` ``"


def test_no_line_is_a_command_of_a_ci_runner() -> None:
    canvas = Canvas(Screen())
    for text in ("::error::x", "a ::error::x", "##[group]x", "::1"):
        canvas.line(text, indent=2)
    assert canvas.text() == "  : :error::x\n  a ::error::x\n  ## [group]x\n  ::1\n".lstrip("\n")
