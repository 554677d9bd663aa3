"""Lists in sentences, and the first sentences of a text."""

from collections.abc import Iterable

import pytest

from advisor.sentences import first_sentences, listed


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
