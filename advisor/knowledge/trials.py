"""The types of rules/trials.yaml: findings whose two examples ran with real programs, and what the clients saw."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from advisor.documents import Day
from advisor.errors import KnowledgeError
from advisor.knowledge.finding_kinds import FindingKind


class TrialExperiment(NamedTuple):
    """What the clients of a trial do. The head of rules/trials.yaml explains the keys."""

    id: str
    does: str
    result: str
    least: float | None = None
    most: float | None = None

    def works(self, number: float) -> bool:
        """Whether a result is that of a deployment without the fault."""
        return (self.least is None or number >= self.least) and (self.most is None or number <= self.most)

    def worded(self, number: float) -> str:
        """A result in words."""
        return self.result.format(number=f"{number:g}")


class FindingTrial(NamedTuple):
    """The trial of a finding: the figures of its example with the fault, and of its example without the fault."""

    id: str
    program: str
    experiment: str
    faulty: float
    fixed: float
    releases: str
    date: Day
    stateless: bool = False
    json_response: bool = False
    seconds: int = 0

    def flags(self, files: Mapping[str, str]) -> tuple[bool, bool]:
        """The flags of the servers: those in the code of the example `files`, or else those of the trial."""
        code = files.get("server.py")
        if code is None:
            return self.stateless, self.json_response
        return "stateless_http=True" in code, "json_response=True" in code

    def servers(self, finding: FindingKind) -> str:
        """The flags of the servers of each example, in words."""
        of_example = [self.flags(files) for _, files in finding.examples]
        words = [f"stateless_http={stateless}, json_response={in_json}" for stateless, in_json in of_example]
        return "; after the fix ".join(dict.fromkeys(words))


def refuse_unknown_trials(
    trials: Iterable[FindingTrial], experiments: Iterable[TrialExperiment], findings: Collection[str]
) -> None:
    """Raise an error if a trial does not show what it must show.

    Raises:
        KnowledgeError: the finding or the experiment of a trial is not declared, the example of the fault works, or the
            other example does not work.
    """
    known = {experiment.id: experiment for experiment in experiments}
    for trial in trials:
        where = f"rules/trials.yaml: {trial.id}"
        if trial.id not in findings or trial.experiment not in known:
            raise KnowledgeError(f"{where}: the finding or the experiment {trial.experiment!r} is not declared")
        works = known[trial.experiment].works
        if works(trial.faulty) or not works(trial.fixed):
            raise KnowledgeError(f"{where}: the figures do not show a fault that the fix removes")
