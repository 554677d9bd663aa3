"""The filled table of exercise 1: what clients saw, what flags are for, where guides say otherwise. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from advisor.knowledge import Knowledge
from advisor.knowledge.catalogue import FlagUse
from advisor.knowledge.features import Documented, Feature
from advisor.knowledge.types import Era, Outcome
from advisor.lab.exercise.document import PAIRS, Bare
from advisor.lab.probes.live import LEAD_S
from advisor.lab.probes.observation import Observation, Verdict

RESULT = "all about flags"
"""What the long call returns."""


@dataclass(frozen=True, slots=True)
class Notices:
    """Notifications of a call: how many arrived, and how many of them while it ran."""

    arrived: int
    live: int

    @property
    def outcome(self) -> Outcome:
        """As the feature table has it: late ones count as lost."""
        return "works" if self.live else "dropped"


@dataclass(frozen=True, slots=True)
class Sight:
    """What clients of an era see under a flag pair.

    Attributes:
        stateless_http: the flag.
        json_response: the flag.
        era: of the clients.
        add: a plain call.
        research: whether the long call returned its result, and the right result.
        progress: of the long call.
        logging: of the long call.
        sampling: by the way of asking.
        content_type: of the answers to `add` and `research`.
        session_header: whether the server gave a session id.
    """

    stateless_http: bool
    json_response: bool
    era: Era
    add: Observation
    research: Observation
    progress: Notices
    logging: Notices
    sampling: Mapping[str, Observation]
    content_type: Mapping[str, str]
    session_header: bool

    def under(self, pair: tuple[bool, bool]) -> bool:
        """Whether it was seen under this flag pair."""
        return (self.stateless_http, self.json_response) == pair

    def outcome(self, feature: str) -> Outcome:
        """The outcome of a feature; of the ways to ask for sampling, the best way counts."""
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
    """What guides say of a feature under a flag pair, and what was seen instead, by era."""

    feature: Feature
    documented: Documented
    stateless_http: bool
    json_response: bool
    seen: Mapping[Era, Outcome]


@dataclass(frozen=True, slots=True)
class Exercise:
    """The filled table.

    Attributes:
        sdk: the release, such as `mcp==2.3.0`.
        eras: the eras that it serves.
        sights: by flag pair and era.
        uses: what each flag pair is for, in the order of `PAIRS`.
        bare: by flag pair and request.
        claims: where guides say something else.
        seconds: how long it took.
    """

    sdk: str
    eras: tuple[Era, ...]
    sights: tuple[Sight, ...]
    uses: tuple[FlagUse, ...]
    bare: tuple[Bare, ...]
    claims: tuple[Claim, ...]
    seconds: float


def judged(is_error: bool, said: str) -> Verdict:
    """What the result of the long call is worth: it works if the result is right."""
    if not is_error and said != RESULT:
        return Verdict("error", f"another result: {said:.80}")
    return Verdict("error" if is_error else "works", said)


def notices(came: list[float], answered: float) -> Notices:
    """Notices that came at these times; what comes together with the answer was held back."""
    return Notices(len(came), sum(answered - moment >= LEAD_S for moment in came))


def claims(sights: list[Sight] | tuple[Sight, ...], knowledge: Knowledge) -> list[Claim]:
    """What guides say of the flags where clients of some era see something else."""
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
