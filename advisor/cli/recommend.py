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

    advisor = default_advisor()
    results, skipped = decide_all(files, advisor)
    is_batch = len(files) > 1 or is_directory(files[0])
    if skipped:
        shown = ", ".join(skipped[:_NAMED]) + (f" and {len(skipped) - _NAMED} more" if len(skipped) > _NAMED else "")
        say(f"Skipped, because they hold no requirements: {shown}.")
    if not results:
        raise UsageError(
            f"{files[0]}: no file in this directory holds requirements (a mapping with the key `service`)."
        )
    for one in results:
        if one.error is not None:
            say(str(one.error))
    if is_batch or results[0].decision is not None:
        emit(_render(results, advisor, format, explain=explain, is_batch=is_batch))
    return exit_code(results)


def decide_all(files: Sequence[str], advisor: Advisor) -> tuple[list[Result], list[str]]:
    """Decide every input; one that is not valid does not stop the others.

    Returns:
        The results in order, and the files found in directories that are of another kind.
    """
    from advisor.cli import inputs
    from advisor.errors import InputError
    from advisor.report.overview import Result
    from advisor.requirements.discovery import gather

    results: list[Result] = []
    skipped: list[str] = []
    for one in gather(files):
        try:
            requirements = inputs.read(one, advisor.space)
        except InputError as error:
            results.append(Result(error.name, None, error))
            continue
        if requirements is None:
            skipped.append(one.name)
        else:
            results.append(Result(requirements.name, advisor.decide(requirements)))
    return results, skipped


def exit_code(results: Sequence[Result]) -> Exit:
    """2 if any input was bad, else 3 if any decision is a contradiction, else 0."""
    if any(one.decision is None for one in results):
        return Exit.USAGE
    if any(one.decision is not None and not one.decision.feasible for one in results):
        return Exit.CONTRADICTION
    return Exit.OK


def _render(results: Sequence[Result], advisor: Advisor, format: Format, *, explain: bool, is_batch: bool) -> str:
    if format in (Format.JSON, Format.YAML):
        return _data(results, advisor, format, explain=explain, is_batch=is_batch)
    decision = results[0].decision
    if format is Format.MARKDOWN:
        from advisor.report.decision_markdown import batch_markdown, decision_markdown

        if is_batch or decision is None:
            return batch_markdown(results, advisor, explain=explain)
        return decision_markdown(decision, advisor, explain=explain)
    from advisor.console import output
    from advisor.console.canvas import Screen

    screen = Screen(output.width(), output.wants_colour(), output.is_unicode())
    if is_batch or decision is None:
        from advisor.report.batch_text import batch_text

        return batch_text(results, advisor, screen, explain=explain)
    from advisor.report.decision_text import decision_text

    return decision_text(decision, advisor, screen, explain=explain)


def _data(results: Sequence[Result], advisor: Advisor, format: Format, *, explain: bool, is_batch: bool) -> str:
    from advisor.console.output import is_unicode
    from advisor.report import serialization
    from advisor.report.decision_json import batch_dict, decision_dict, error_dict, trace_list

    decisions, errors, ascii_only = [], [], not is_unicode()
    for one in results:
        if one.decision is None:
            errors += [error_dict(one.error)] if one.error else []
            continue
        document = decision_dict(one.decision, advisor)
        if is_batch:
            document = {"file": one.name, **document}
        if explain:
            document["trace"] = trace_list(one.decision, advisor)
        decisions.append(document)
    whole = batch_dict(decisions, errors) if is_batch else decisions[0]
    if format is Format.JSON:
        if is_batch:
            return serialization.json_lines(whole, ascii_only=ascii_only)
        return serialization.json_text(whole, ascii_only=ascii_only)
    return serialization.yaml_text(whole, ascii_only=ascii_only)
