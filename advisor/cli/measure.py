"""The commands `capabilities measure` and `capabilities bisect`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.formats import Format
from advisor.console.lines import drawn
from advisor.console.output import emit, is_unicode, say
from advisor.errors import EnvironmentLacksError, Exit, UsageError
from advisor.files import reason

if TYPE_CHECKING:
    from advisor.lab.capabilities.measure import Compared

_SECONDS = 5.0


def measure(
    sdk: Annotated[list[str], typer.Option("--sdk", metavar="RELEASE", help="A release to measure: mcp==2.3.0.")],
    write: Annotated[
        bool, typer.Option("--write", help="Write what was measured into rules/capabilities/ and show the diff.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Print only what differs from the data; for a pipeline.")
    ] = False,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Write to a file instead.")] = "",
    format: Annotated[Format, typer.Option("--format", "-f", help="How to write it.")] = Format.TEXT,
    deadline: Annotated[str, typer.Option("--deadline", metavar="S", help="Seconds after which a call hangs.")] = "5",
    here: Annotated[
        bool, typer.Option("--here", help="Use this Python where it has the release; else a fresh environment.")
    ] = False,
    rules: Annotated[
        str, typer.Option("--rules", metavar="DIR", help="Compare with and write to this folder of rules.")
    ] = "",
) -> int:
    """Measure SDK releases: real servers in every flag pair, real clients of both eras, every way of asking.

    Each release gets an environment of its own, made by uv and thrown away. Exit code 1: a cell or a
    behaviour is not as the data has it (without --write).
    """
    import asyncio

    from advisor.knowledge import load
    from advisor.lab.process.programs import require_extra

    seconds, root = _seconds(deadline), _root(rules)
    require_extra()  # before anything that imports what it brings
    from advisor.lab.capabilities import files as capability_files
    from advisor.lab.capabilities import measure as lab
    from advisor.lab.capabilities import report as words
    from advisor.lab.process.sdk_under_test import parse_sdk
    from advisor.report.serialization import json_text

    for release in sdk:
        parse_sdk(release)
    known = load(root).capabilities
    measured = asyncio.run(lab.measure(sdk, known, say, deadline_s=seconds, here=here))
    found = [lab.compared(measurement, known) for measurement in measured]
    diff = capability_files.write_measurements(root, measured) if write else ""
    if format is Format.JSON:
        text = json_text(words.record(found, known), ascii_only=not is_unicode())
    elif write:
        text = diff
    else:
        lines = words.differing_lines if check else words.table
        text = "\n".join(drawn(list(lines(compared))) for compared in found)
    if output:
        _to_file(Path(output), text)
    else:
        emit(text)
    for compared in found:
        say(_counted(compared))
    return Exit.OK if write or all(compared.agrees for compared in found) else Exit.FINDINGS


def bisect(
    sdk: Annotated[str, typer.Option("--sdk", metavar="NAME", help="A package: mcp or fastmcp.")],
    cell: Annotated[
        str, typer.Option("--cell", metavar="FEATURE[/CALL]", help="Only the changes of this feature or call.")
    ] = "",
    write: Annotated[
        bool, typer.Option("--write", help="Write the releases into rules/capabilities/ and show the diff.")
    ] = False,
    format: Annotated[Format, typer.Option("--format", "-f", help="How to write it.")] = Format.TEXT,
    deadline: Annotated[str, typer.Option("--deadline", metavar="S", help="Seconds after which a call hangs.")] = "5",
    rules: Annotated[
        str, typer.Option("--rules", metavar="DIR", help="Compare with and write to this folder of rules.")
    ] = "",
) -> int:
    """Find, for each cell that differs between two measured releases, the release in which it changed.

    Only such cells are measured, in the two releases and in those between them, halving them each time. Exit code 1: a
    change came in another release than the data says (without --write), or either of the two is not as the data has it.
    """
    import asyncio

    from advisor.knowledge import load
    from advisor.lab.process.programs import require_extra

    seconds, root = _seconds(deadline), _root(rules)
    require_extra()  # before anything that imports what it brings
    from advisor.lab.capabilities import bisection
    from advisor.lab.capabilities import files as capability_files
    from advisor.lab.capabilities import report as words
    from advisor.report.serialization import json_text

    known = load(root).capabilities
    wanted = bisection.changes(known, sdk, cell)
    if cell and not wanted:
        raise UsageError(f"Nothing changes between two measured releases of {sdk} in {cell!r:.80}.")
    found = asyncio.run(bisection.bisect(wanted, known, say, deadline_s=seconds))
    if write:
        text = capability_files.rewrite(root, {sdk: lambda file: bisection.apply(file, found)})
        for bisected in found:
            for release in bisected.wrong:
                change = bisected.change
                say(f"{release} is not as the data has it: {change.feature}, {change.call}; not written")
    else:
        text = drawn(list(words.bisection_lines(found)))
    if format is Format.JSON:
        text = json_text(words.bisection_record(found), ascii_only=not is_unicode())
    emit(text)
    wrong = any(bisected.wrong if write else not bisected.agrees for bisected in found)
    return Exit.FINDINGS if wrong else Exit.OK


def _counted(compared: Compared) -> str:
    measured = compared.measurement
    wrong = len(compared.cells) + len(compared.behaviours)
    counts = f"{len(measured.cells)} cells and {len(measured.behaviours)} behaviours"
    return f"{measured.sdk_under_test.sdk}: {counts}, {wrong} not as the data had them, {measured.seconds:.0f} s"


def _root(rules: str) -> Path:
    from advisor.knowledge.paths import rules_dir

    root = Path(rules).resolve() if rules else rules_dir()
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder.")
    return root


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.5 <= seconds <= 600:
        raise UsageError(f"--deadline {text!r:.40} is not a number of seconds between 0.5 and 600.")
    return seconds


def _to_file(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EnvironmentLacksError(f"{path} cannot be written: {reason(error)}.") from error
