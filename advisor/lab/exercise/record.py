"""Makes the document of `exercise --format json`."""

from __future__ import annotations

from advisor.documents import document
from advisor.knowledge.catalogue import FlagUse
from advisor.lab.exercise.document import (
    CaseRecord,
    ClaimRecord,
    ExerciseDocument,
    NoticesRecord,
    SamplingRecord,
    SightRecord,
)
from advisor.lab.exercise.table import PAIRS, Exercise, Notices, Sight


def exercise_dict(found: Exercise) -> ExerciseDocument:
    """The document of `exercise --format json`."""
    return document(
        ExerciseDocument,
        found,
        cases=[_case(found, pair, use) for pair, use in zip(PAIRS, found.uses, strict=True)],
        rows=[_row(sight) for sight in found.sights],
        curl=found.bare,
        published=[
            document(
                ClaimRecord,
                claim,
                feature=claim.feature.id,
                says=claim.documented.says,
                documented=claim.documented.outcome,
                observed=claim.seen,
                sources=claim.documented.sources,
            )
            for claim in found.claims
        ],
    )


def _case(found: Exercise, pair: tuple[bool, bool], use: FlagUse) -> CaseRecord:
    sights = [sight for sight in found.sights if sight.under(pair)]
    return document(
        CaseRecord,
        use,
        stateless_http=pair[0],
        json_response=pair[1],
        progress={sight.era: sight.progress.outcome == "works" for sight in sights},
        log={sight.era: sight.logs.outcome == "works" for sight in sights},
        result={sight.era: sight.research.outcome == "works" for sight in sights},
    )


def _row(sight: Sight) -> SightRecord:
    return document(
        SightRecord,
        sight,
        progress=_notices(sight.progress),
        logging=_notices(sight.logs),
        sampling=[document(SamplingRecord, seen, call=call) for call, seen in sight.sampling.items()],
        content_type=sight.content_types,
    )


def _notices(notices: Notices) -> NoticesRecord:
    return document(NoticesRecord, notices, arrived=notices.count)
