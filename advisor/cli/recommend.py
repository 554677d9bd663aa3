"""The command `recommend`: the decision for each requirements file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.formats import DocumentFormat as Format
from advisor.errors import Exit

if TYPE_CHECKING:
    from advisor.decision.advisor import Advisor
    from advisor.report.overview import Result

_NAMED = 5  # skipped files that are named


def recommend(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Requirements files, directories of them, or - for stdin.")
    ],
    format: Annotated[Format, typer.Option("--format", "-f", help="How to write the decision.")] = Format.TEXT,
    explain: Annotated[bool, typer.Option("--explain", help="Show every rule that was tried.")] = False,
) -> int:
    """Decide flags, pattern and affinity for each requirements file.

    Several files or a directory give a table and one record each. Exit code 2: an input was not valid (the others are
    decided all the same); 3: no configuration keeps every required feature.
    """
    from advisor.console.output import emit, say
    from advisor.decision.advisor import default_advisor
    from advisor.errors import UsageError
    from advisor.requirements.discovery import is_directory

    results, skipped = decide_all(files, default_advisor(), explain=explain)
    is_batch = len(files) > 1 or is_directory(files[0])
    if skipped:
        shown = ", ".join(skipped[:_NAMED]) + (f" and {len(skipped) - _NAMED} more" if len(skipped) > _NAMED else "")
        say(f"Skipped, because they hold no requirements: {shown}.")
    if not results:
        raise UsageError(
            f"{files[0]}: no file in this directory holds requirements (a mapping with the key `service`)."
        )
    for result in results:
        if result.error is not None:
            say(str(result.error))
    if is_batch or results[0].decision is not None:
        emit(_render(results, format, is_batch=is_batch))
    return exit_code(results)


def decide_all(files: Sequence[str], advisor: Advisor, *, explain: bool = False) -> tuple[list[Result], list[str]]:
    """Decide every input; an invalid file does not stop the others.

    Args:
        files: files, directories and `-`.
        advisor: decides.
        explain: trace every rule that was tried.

    Returns:
        The results in order, and the files found in directories that are of another kind.
    """
    from advisor.cli import inputs
    from advisor.errors import InputError
    from advisor.report.overview import Result
    from advisor.requirements.discovery import gather

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
    """2 if any input was bad, else 3 if any decision is a contradiction, else 0."""
    if any(result.decision is None for result in results):
        return Exit.USAGE
    if any(result.decision is not None and not result.decision.feasible for result in results):
        return Exit.CONTRADICTION
    return Exit.OK


def _render(results: Sequence[Result], format: Format, *, is_batch: bool) -> str:
    if format in (Format.JSON, Format.YAML):
        return _data(results, format, is_batch=is_batch)
    decision, trace = results[0].decision, results[0].trace
    if format is Format.MARKDOWN:
        from advisor.report.decision_markdown import batch_markdown, decision_markdown

        if is_batch or decision is None:
            return batch_markdown(results)
        return decision_markdown(decision, trace)
    from advisor.console import output
    from advisor.console.canvas import Screen

    screen = Screen(output.width(), output.wants_colour(), output.is_unicode())
    if is_batch or decision is None:
        from advisor.report.batch_text import batch_text

        return batch_text(results, screen)
    from advisor.report.decision_text import decision_text

    return decision_text(decision, screen, trace)


def _data(results: Sequence[Result], format: Format, *, is_batch: bool) -> str:
    from advisor.console.output import is_unicode
    from advisor.report import serialization
    from advisor.report.decision_json import batch_dict, decision_dict, error_dict

    ascii_only = not is_unicode()
    decisions = [
        (result.name, decision_dict(result.decision, result.trace)) for result in results if result.decision is not None
    ]
    errors = [error_dict(result.error) for result in results if result.error is not None]
    whole = batch_dict(decisions, errors) if is_batch else decisions[0][1]
    if format is Format.YAML:
        return serialization.yaml_text(whole, ascii_only=ascii_only)
    write = serialization.json_lines if is_batch else serialization.json_text
    return write(whole, ascii_only=ascii_only)
