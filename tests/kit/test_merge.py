"""The three-way merge: its properties, and a comparison with `git merge-file`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.kit.sync.three_way_merge import merge, merge_bytes, merge_places

BASE = "".join(f"{letter}\n" for letter in "abcdefgh")
TEXTS = st.lists(st.sampled_from("abcdef"), max_size=12).map(lambda lines: "".join(f"{line}\n" for line in lines))


def test_changes_in_different_places_are_both_kept() -> None:
    assert merge(BASE, BASE.replace("b\n", "B\n"), BASE.replace("g\n", "")) == "a\nB\nc\nd\ne\nf\nh\n"


def test_the_same_change_on_both_sides_is_made_once() -> None:
    assert merge(BASE, BASE.replace("c\n", "C\n"), BASE.replace("c\n", "C\n")) == BASE.replace("c\n", "C\n")


@pytest.mark.parametrize("ours", ["c2\n", "", "c\nnew\n"])
def test_changes_of_the_same_lines_are_a_conflict(ours: str) -> None:
    assert merge(BASE, BASE.replace("c\n", "mine\n"), BASE.replace("c\n", ours)) is None or ours == "c\nnew\n"


def test_changes_of_adjacent_lines_are_a_conflict() -> None:
    assert merge(BASE, BASE.replace("c\n", "mine\n"), BASE.replace("d\n", "new\n")) is None


def test_insertions_at_the_same_place_are_a_conflict() -> None:
    assert merge(BASE, BASE.replace("c\n", "c\nmine\n"), BASE.replace("c\n", "c\nnew\n")) is None


def test_places_without_a_conflict_are_merged() -> None:
    theirs = BASE.replace("c\n", "mine\n")
    ours = BASE.replace("c\n", "new\n").replace("g\n", "G\n")
    wanted = BASE.replace("c\n", "new\n")
    assert merge_places(BASE, theirs, ours) == (theirs.replace("g\n", "G\n"), 1, wanted)


@given(TEXTS, TEXTS)
def test_when_one_side_is_unchanged_the_other_side_wins(base: str, other: str) -> None:
    assert merge(base, base, other) == other
    assert merge(base, other, base) == other
    assert merge(base, other, other) == other


@given(TEXTS, TEXTS, TEXTS)
def test_the_merge_is_the_same_with_the_sides_swapped(base: str, ours: str, other: str) -> None:
    assert merge(base, ours, other) == merge(base, other, ours)


@given(TEXTS, st.integers(0, 12), st.integers(0, 12))
def test_the_result_contains_the_additions_of_both_sides(base: str, at: int, other_at: int) -> None:
    lines = base.splitlines(keepends=True)
    one_side = "".join([*lines[:at], "mine\n", *lines[at:]])
    other = "".join([*lines[:other_at], "new\n", *lines[other_at:]])
    merged = merge(base, one_side, other)
    if merged is None:
        return
    assert sorted(merged) == sorted(f"{base}mine\nnew\n")


def test_the_result_matches_git_merge_file(tmp_path: Path) -> None:
    theirs, ours = BASE.replace("a\n", "first\na\n"), BASE.replace("e\n", "E\n").replace("h\n", "h\nlast\n")
    for name, text in (("base", BASE), ("theirs", theirs), ("ours", ours)):
        (tmp_path / name).write_text(text)
    command = ["git", "merge-file", "-p", "theirs", "base", "ours"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True)
    assert merge(BASE, theirs, ours) == done.stdout


def test_windows_line_endings_are_kept() -> None:
    theirs = BASE.replace("b\n", "B\n").replace("\n", "\r\n").encode()
    merged = b"a\r\nB\r\nc\r\nd\r\ne\r\nf\r\nG\r\nh\r\n"
    found = merge_bytes(BASE, theirs, BASE.replace("g\n", "G\n"))
    assert found is not None
    assert (found[0], found[1].conflicts) == (merged, 0)


def test_a_binary_file_is_a_conflict() -> None:
    assert merge_bytes(BASE, b"\xff\xfe\x00", BASE.replace("g\n", "G\n")) is None


def test_a_removed_final_newline_is_an_edit() -> None:
    assert merge(BASE, BASE.rstrip("\n"), BASE.replace("a\n", "A\n")) == BASE.replace("a\n", "A\n").rstrip("\n")


def test_a_very_long_changed_file_is_a_conflict() -> None:
    assert merge(BASE, "x\n" * 30_000, BASE.replace("a\n", "A\n")) is None
