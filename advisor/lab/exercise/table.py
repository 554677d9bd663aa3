"""The results of exercise 1: measurements, recommended use of the flags, and advice that differs. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from advisor.knowledge import Knowledge
from advisor.knowledge.catalogue import FlagUse
from advisor.knowledge.features import Documented, Feature
from advisor.knowledge.types import Era, Outcome
from advisor.lab.exercise.document import PAIRS, BareAnswer
from advisor.lab.probes.live import LEAD_S
from advisor.lab.probes.observation import ProbeResult, Verdict

RESULT = "all about flags"
"""The correct result of `research`."""


@dataclass(frozen=True, slots=True)
class Notices:
    """The notifications of a call: how many arrived, and how many of them arrived while the call ran."""

    arrived: int
    live: int

    @property
    def outcome(self) -> Outcome:
        """The outcome as in the feature table: `works` if a notification arrived while the call ran, else `dropped`."""
        return "works" if self.live else "dropped"


@dataclass(frozen=True, slots=True)
class EraResults:
    """The results of clients of a protocol era with a flag pair.

    Attributes:
        stateless_http: the flag.
        json_response: the flag.
        era: the protocol era of the clients.
        add: the result of `add`.
        research: the result of `research`. The outcome is `works` if the result is correct.
        progress: the progress notifications of `research`.
        logging: the log messages of `research`.
        sampling: the result of sampling, by API.
        content_type: the content types of the answers to `add` and `research`.
        session_header: whether the server sent a session id.
    """

    stateless_http: bool
    json_response: bool
    era: Era
    add: ProbeResult
    research: ProbeResult
    progress: Notices
    logging: Notices
    sampling: Mapping[str, ProbeResult]
    content_type: Mapping[str, str]
    session_header: bool

    def under(self, pair: tuple[bool, bool]) -> bool:
        """Whether these are the results of this flag pair."""
        return (self.stateless_http, self.json_response) == pair

    def outcome(self, feature: str) -> Outcome:
        """The outcome of a feature. Sampling works if at least one of its APIs works."""
        if feature == "progress":
            return self.progress.outcome
        if feature == "logging":
            return self.logging.outcome
        if feature == "sampling":
            seen = [observation.outcome for observation in self.sampling.values()]
            return "works" if "works" in seen else seen[0]
        return self.add.outcome


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of guides about a feature with a flag pair, and the different measured outcomes, by protocol era."""

    feature: Feature
    documented: Documented
    stateless_http: bool
    json_response: bool
    seen: Mapping[Era, Outcome]


@dataclass(frozen=True, slots=True)
class Exercise:
    """The results of the exercise.

    Attributes:
        sdk: the release, such as `mcp==2.3.0`.
        eras: the protocol eras that the release serves.
        sights: the results, one entry for each flag pair and protocol era.
        uses: the recommended use of each flag pair, in the order of `PAIRS`.
        bare: the answers to requests without the initialize handshake.
        claims: the claims of guides that differ from the results.
        seconds: the duration.
    """

    sdk: str
    eras: tuple[Era, ...]
    sights: tuple[EraResults, ...]
    uses: tuple[FlagUse, ...]
    bare: tuple[BareAnswer, ...]
    claims: tuple[Claim, ...]
    seconds: float


def judged(is_error: bool, said: str) -> Verdict:
    """The verdict on a result of `research`: `works` if the result is `RESULT`, else `error`."""
    if not is_error and said != RESULT:
        return Verdict("error", f"wrong result: {said:.80}")
    return Verdict("error" if is_error else "works", said)


def notices(came: list[float], answered: float) -> Notices:
    """The notifications that arrived at these times. A notification is not live if it arrives together with the answer.

    Args:
        came: when each notification arrived (monotonic clock).
        answered: when the answer of the call arrived.
    """
    return Notices(len(came), sum(answered - moment >= LEAD_S for moment in came))


def claims(sights: list[EraResults] | tuple[EraResults, ...], knowledge: Knowledge) -> list[Claim]:
    """The claims of guides that differ from the results of at least one protocol era."""
    found = []
    for name in ("plain", "progress", "logging", "sampling"):
        feature = knowledge.features[name]
        for documented in feature.documented:
            for pair in PAIRS:
                flags = dict(zip(("stateless_http", "json_response"), pair, strict=True))
                here = [sight for sight in sights if sight.under(pair)]
                seen = {sight.era: sight.outcome(name) for sight in here if sight.outcome(name) != documented.outcome}
                if seen and all(flags[flag] == value for flag, value in documented.when.items()):
                    found.append(Claim(feature, documented, *pair, seen))
    return found
