"""The command `recommend`: it decides each requirements file and prints the decisions."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.epilog import epilog
from advisor.cli.formats import DecisionFormat as Format
from advisor.errors import Exit, InputError, UsageError
from advisor.findings.finding import SEVERITIES
from advisor.report.detail import DecisionPart, Detail
from advisor.requirements.discovery import gather, is_directory

if TYPE_CHECKING:
    from advisor.decision.advisor import Advisor
    from advisor.decision.model import Decision
    from advisor.report.overview import Result

_NAMED = 5  # the message about skipped files names at most so many

EPILOG = epilog(
    "recommend requirements.yaml",
    "recommend requirements.yaml --show warnings --show features",
    "recommend deployments/ --format json",
    "recommend deployments/ --format github --accepted accepted.txt",
    exit_codes={
        0: "success",
        1: "--fail-on found a warning, or an entry of --accepted is out of date",
        2: "an input is invalid; the recommendations for all other inputs are printed",
        3: "for at least one input, no configuration keeps every required feature",
    },
)


class FailOn(str, Enum):
    """The least severity of a warning that fails the command."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NEVER = "never"


def recommend(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="One or more requirements files (YAML or JSON) or directories of requirements files; - for standard "
            "input.",
        ),
    ],
    format: Annotated[
        Format,
        typer.Option(
            "--format",
            "-f",
            help="Output format: text for people, json or yaml for scripts, markdown for a repository, github for "
            "annotations in GitHub Actions.",
        ),
    ] = Format.TEXT,
    full: Annotated[
        bool, typer.Option("--full", help="Show the complete decision, with code, reasons and fixes.")
    ] = False,
    show: Annotated[
        list[DecisionPart] | None,
        typer.Option(
            "--show",
            metavar=f"<{'|'.join(DecisionPart)}>",
            help="Show only this section of the complete decision. Repeatable.",
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Show the complete decision and every evaluated rule. For each rule that does not apply, show the "
            "condition that is not met.",
        ),
    ] = False,
    accepted: Annotated[
        str,
        typer.Option(
            "--accepted",
            metavar="LIST",
            help="Leave out the warnings that the team accepts. LIST is a file with the id of a warning in each line. "
            "If an id in LIST matches no warning, the command exits with code 1. You must then remove the id from "
            "LIST yourself.",
        ),
    ] = "",
    fail_on: Annotated[
        FailOn,
        typer.Option("--fail-on", help="Exit with code 1 if there is a warning of this severity or a higher one."),
    ] = FailOn.NEVER,
) -> int:
    """Recommend flags, deployment pattern and session affinity.

    The answer fits on one screen: the values of stateless_http and json_response, the deployment pattern, the mechanism
    of session affinity, the lost features, and the most important warnings. For several files or a
    directory, the text output is a table with one line for each file.

    The options --full and --show show details in the text output. Other formats always contain the complete decision.
    """
    from advisor.cli.accepted import without_accepted
    from advisor.console.output import emit, say
    from advisor.decision.advisor import default_advisor

    detail = Detail(full=full or explain, sections=show or [])
    advisor = default_advisor()
    results, skipped = decide_all(files, advisor, explain=explain)
    is_batch = len(files) > 1 or is_directory(files[0])
    if skipped:
        shown = ", ".join(skipped[:_NAMED]) + (f" and {len(skipped) - _NAMED} more" if len(skipped) > _NAMED else "")
        say(f"Skipped these files, because they contain no requirements: {shown}.")
    if not results:
        raise UsageError(
            f"{files[0]}: no file in this directory contains requirements. A requirements file has the key `service`; "
            "`mcp-advisor init` prints an example."
        )
    complete = [result.decision for result in results]
    results, stale = without_accepted(results, accepted)
    for message in (*(str(result.error) for result in results if result.error is not None), *stale):
        say(message)
    if is_batch or results[0].decision is not None or format is Format.GITHUB:
        if format is Format.MARKDOWN:
            command = "" if is_batch else _command(files[0], accepted, explain=explain)
            emit(_markdown(results, complete, command, advisor.knowledge.phrases))
        else:
            emit(_render(results, format, detail, advisor.knowledge.phrases, is_batch=is_batch))
    return exit_code(results) or (Exit.FINDINGS if stale or _warns(results, fail_on) else Exit.OK)


def _command(file: str, accepted: str, *, explain: bool) -> str:
    """Return the command that prints the Markdown of a decision."""
    options = [*(["--explain"] if explain else []), *(["--accepted", accepted] if accepted else [])]
    return shlex.join(["mcp-advisor", "recommend", file, "--format", "markdown", *options])


def _warns(results: Sequence[Result], least: FailOn) -> bool:
    """Return whether a decision has a warning of this severity or a higher one."""
    if least is FailOn.NEVER:
        return False
    counted = SEVERITIES[: SEVERITIES.index(least.value) + 1]
    decisions = [result.decision for result in results if result.decision is not None]
    return any(warning.severity in counted for decision in decisions for warning in decision.warnings)


def decide_all(files: Sequence[str], advisor: Advisor, *, explain: bool = False) -> tuple[list[Result], list[str]]:
    """Decide every input. An invalid file gives a result with an error and does not abort the batch.

    Args:
        files: names of files and directories, and `-` for standard input.
        advisor: makes the decisions.
        explain: whether to add a trace of every rule that was evaluated.

    Returns:
        The results in the order of the inputs, and the names of the skipped files: files in directories that contain
        no requirements.

    Raises:
        UsageError: a directory cannot be read or contains no candidate.
    """
    from advisor.cli import inputs
    from advisor.report.overview import Result

    results: list[Result] = []
    skipped: list[str] = []
    for given in gather(files):
        try:
            requirements = inputs.read(given, advisor.space)
        except InputError as error:
            results.append(Result(error.name, None, error))
            continue
        if requirements is None:
            skipped.append(given.name)
        else:
            decision = advisor.decide(requirements)
            trace = advisor.trace(decision) if explain else None
            results.append(Result(requirements.name, decision, trace=trace))
    return results, skipped


def exit_code(results: Sequence[Result]) -> Exit:
    """Return 2 if any input is invalid, else 3 if any decision is a contradiction, else 0."""
    if any(result.decision is None for result in results):
        return Exit.USAGE
    if any(result.decision is not None and not result.decision.feasible for result in results):
        return Exit.CONTRADICTION
    return Exit.OK


def _render(
    results: Sequence[Result], format: Format, detail: Detail, phrases: Mapping[str, str], *, is_batch: bool
) -> str:
    if format in (Format.JSON, Format.YAML):
        return _data(results, format, is_batch=is_batch)
    if format is Format.GITHUB:
        from advisor.report.decision_github import github_annotations

        return github_annotations(results)
    from advisor.console.canvas import Screen

    screen = Screen.of_output()
    decision, trace = results[0].decision, results[0].trace
    if is_batch or decision is None:
        from advisor.report.batch_text import batch_text

        return batch_text(results, screen, phrases, detail)
    from advisor.report.decision_text import detailed_text

    return detailed_text(decision, screen, detail, trace)


def _markdown(
    results: Sequence[Result], complete: Sequence[Decision | None], command: str, phrases: Mapping[str, str]
) -> str:
    """Return the decisions as Markdown.

    Args:
        results: the results without the accepted warnings.
        complete: the decision of each result with all warnings.
        command: the command that prints the document of a single decision; "" for a batch.
        phrases: the phrases of the rules, by id.
    """
    from advisor.team_documents.decision import batch_markdown, printed_decision

    alone = complete[0] if command else None
    return printed_decision(results[0], command, alone) if alone else batch_markdown(results, phrases, complete)


def _data(results: Sequence[Result], format: Format, *, is_batch: bool) -> str:
    from advisor.console.output import is_unicode
    from advisor.report import serialization
    from advisor.report.decision_json import batch_dict, decision_dict, error_dict

    ascii_only = not is_unicode()
    decisions = [
        (result.name, decision_dict(result.decision, result.trace)) for result in results if result.decision is not None
    ]
    errors = [error_dict(result.error) for result in results if result.error is not None]
    document = batch_dict(decisions, errors) if is_batch else decisions[0][1]
    if format is Format.YAML:
        return serialization.yaml_text(document, ascii_only=ascii_only)
    write = serialization.json_lines if is_batch else serialization.json_text
    return write(document, ascii_only=ascii_only)
