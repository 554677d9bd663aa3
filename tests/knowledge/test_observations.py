"""The names of what readers of configuration files state."""

from __future__ import annotations

from advisor.knowledge import Knowledge


def test_only_words_have_values_and_the_meaning_is_the_end_of_a_sentence(knowledge: Knowledge) -> None:
    assert len(knowledge.observations) > 70
    for kind in knowledge.observations.values():
        assert kind.of, kind.id
        assert not kind.values or kind.type in ("word", "words"), kind.id
        assert kind.meaning[0].islower(), kind.id
        assert not kind.meaning.endswith("."), kind.id
