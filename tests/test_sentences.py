"""Lists in sentences, and the first sentences of a text."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from advisor.sentences import amount, counted, first_sentences, listed


@pytest.mark.parametrize(
    ("words", "text"), [(["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c"), (iter("ab"), "a or b")]
)
def test_a_list_has_a_conjunction_before_its_last_word(words: Iterable[str], text: str) -> None:
    assert listed(words, "or") == text


@pytest.mark.parametrize(("length", "number"), [(0, 1), (23, 1), (24, 2), (28, 2), (29, 3)])
def test_the_first_sentences_that_fit_are_shown(length: int, number: int) -> None:
    sentences = ["One, e.g. this.", "Is 2 it?", "`3`."]
    shown = first_sentences(" ".join(sentences), lambda longer: len(longer) <= length)
    assert shown == " ".join(sentences[:number])


def test_a_single_thing_has_no_plural() -> None:
    assert [amount(number, "file") for number in (0, 1, 2, 1200)] == ["0 files", "1 file", "2 files", "1,200 files"]
    phrases = {"files": "{number} files in {folder}", "files.one": "{number} file in {folder}"}
    assert counted(phrases, "files", 1, folder="kit") == "1 file in kit"
    assert counted(phrases, "files", 2, folder="kit") == "2 files in kit"


def test_no_text_has_a_number_with_a_fixed_plural_after_a_length() -> None:
    """A text with `len(...)` and a plural is wrong for a single thing. `of N things` has more than one."""
    root = Path(__file__).parents[1] / "advisor"
    counts = re.compile(r"(?<!of )\{len\([^{}]*\)\} (?:more |other |further )?[a-z]+s\b(?! (?:as|in|are|from)\b)")
    found = [(path.name, text) for path in root.rglob("*.py") for text in counts.findall(path.read_text())]
    assert found == [("proxy.py", "{len(pool.addresses)} addresses")]
