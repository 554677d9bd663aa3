"""Trials of findings: the audit reports exactly the files whose deployment breaks, and the trials show it again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from causes import BUSY_FLEET
from weekly import some_weekly

from advisor.cli.audited_files import audited
from advisor.errors import KnowledgeError
from advisor.knowledge import Knowledge, load
from advisor.knowledge.trials import refuse_unknown_trials
from advisor.lab.trials.example_files import COUNT, write_example
from advisor.lab.trials.experiments import EXPERIMENTS
from advisor.lab.trials.measure import measure

retried = BUSY_FLEET

TRIALS = sorted(load().trials)
PORT, ADDRESSES = 9000, [f"127.0.0.1:{9001 + number}" for number in range(COUNT)]


@pytest.mark.parametrize("name", TRIALS)
def test_the_audit_reports_only_the_faulty_files_that_the_lab_runs(
    name: str, tmp_path: Path, knowledge: Knowledge
) -> None:
    found = {}
    for example, files in knowledge.findings[name].examples:
        write_example(files, tmp_path / example, PORT, ADDRESSES)
        result = audited(tmp_path / example, [""], knowledge, None)
        assert not result.not_examined
        assert result.paths, "the example has a path to an MCP server"
        found[example] = {finding.id for finding in result.findings}
        text = "".join(path.read_text() for path in (tmp_path / example).iterdir())
        assert "10.0.0." not in text
        assert ADDRESSES[0] in text or "127.0.0.1, port_value: 9001" in text
        assert f"127.0.0.1:{PORT}" in text or f"127.0.0.1, port_value: {PORT}" in text
    assert name in found["hit"]
    assert name not in found["miss"]


def test_each_experiment_has_a_function_and_a_trial(knowledge: Knowledge) -> None:
    assert set(knowledge.experiments) == set(EXPERIMENTS)
    assert {trial.experiment for trial in knowledge.trials.values()} == set(EXPERIMENTS)


@pytest.mark.parametrize(
    "change", [{"faulty": 40}, {"fixed": 12}, {"id": "no-such-finding"}, {"experiment": "no-such-experiment"}]
)
def test_figures_that_show_no_fault_are_refused(change: dict[str, Any], knowledge: Knowledge) -> None:
    trial = knowledge.trials["session-id-hash"]
    experiments = knowledge.experiments.values()
    refuse_unknown_trials([trial], experiments, knowledge.findings)
    with pytest.raises(KnowledgeError, match=r"rules/trials.yaml: "):
        refuse_unknown_trials([trial._replace(**change)], experiments, knowledge.findings)


def repeated(name: str, knowledge: Knowledge) -> None:
    trial = knowledge.trials[name]
    works = knowledge.experiments[trial.experiment].works
    again = asyncio.run(measure(trial, knowledge))
    assert not works(again.faulty), again
    assert works(again.fixed), again


@pytest.mark.programs
@retried
@pytest.mark.parametrize("name", some_weekly(TRIALS, always=["session-id-hash", "retry-repeats-calls"]))
def test_a_trial_shows_the_fault_and_the_fix(name: str, knowledge: Knowledge) -> None:
    trial = knowledge.trials[name]
    works = knowledge.experiments[trial.experiment].works
    again = asyncio.run(measure(trial, knowledge))
    assert not works(again.faulty), again
    assert works(again.fixed), again
