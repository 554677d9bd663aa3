"""How well the words of a user fit each cause: BM25 over words, and trigrams for spelling errors."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from advisor.knowledge.failure_causes import FailureCause

_WORD = re.compile(r"[a-z]+|-?\d+")
_SATURATION = 1.2
_LENGTH = 0.5
_TRIGRAMS = 6.0
"""The weight of the best trigram overlap with a phrase. BM25 gives about 2 for a rare word."""
_LONGEST = 4000


def words(text: str, ignored: Collection[str]) -> list[str]:
    """Return the words and numbers of a text, in lower case and without endings such as a plural `s`."""
    return [_stem(word) for word in _WORD.findall(text.lower()) if word not in ignored]


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def trigrams(text: str) -> frozenset[str]:
    """Return the groups of three characters of the words of a text."""
    padded = f"  {' '.join(_WORD.findall(text.lower()))} "
    return frozenset(padded[index : index + 3] for index in range(len(padded) - 2))


class Matcher:
    """Compares texts with all causes. Creating it reads every phrase once."""

    def __init__(self, causes: Mapping[str, FailureCause], ignored: Collection[str]) -> None:
        """Args: causes: the causes by id; ignored: words that say nothing."""
        self._causes = causes
        self._ignored = frozenset(ignored)

    @cached_property
    def _documents(self) -> dict[str, Counter[str]]:
        found = {}
        for cause in self._causes.values():
            counts: Counter[str] = Counter()
            for phrase in (*cause.wordings, cause.title):
                counts.update(words(phrase, self._ignored))
            found[cause.id] = counts
        return found

    @cached_property
    def _weights(self) -> dict[str, float]:
        """The inverse document frequency of each word."""
        seen = Counter(word for document in self._documents.values() for word in document)
        total = len(self._documents)
        return {word: math.log(1 + (total - count + 0.5) / (count + 0.5)) for word, count in seen.items()}

    @cached_property
    def _phrases(self) -> dict[str, list[frozenset[str]]]:
        return {cause.id: [trigrams(phrase) for phrase in cause.wordings] for cause in self._causes.values()}

    def scores(self, text: str) -> dict[str, float]:
        """Return the score of each cause, 0 for no word in common.

        Args:
            text: the words of the user. Only the first characters count.
        """
        text = text[:_LONGEST]
        asked = Counter(words(text, self._ignored))
        spelled = trigrams(text)
        average = sum(sum(document.values()) for document in self._documents.values()) / max(1, len(self._documents))
        return {
            name: self._bm25(asked, document, average) + _TRIGRAMS * self._overlap(spelled, self._phrases[name])
            for name, document in self._documents.items()
        }

    def _bm25(self, asked: Counter[str], document: Counter[str], average: float) -> float:
        """Return the BM25 score. Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009."""
        length = 1 - _LENGTH + _LENGTH * sum(document.values()) / average
        score = 0.0
        for word in asked:
            count = document[word]
            if count:
                score += self._weights[word] * count * (_SATURATION + 1) / (count + _SATURATION * length)
        return score

    @staticmethod
    def _overlap(spelled: frozenset[str], phrases: Sequence[frozenset[str]]) -> float:
        """Return how much of the best phrase occurs in the text, from 0 to 1."""
        return max((len(spelled & phrase) / len(phrase) for phrase in phrases if phrase), default=0.0) ** 2
