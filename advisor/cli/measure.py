"""The commands `capabilities measure` and `capabilities bisect`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from advisor.cli.completion import complete_feature, complete_package, complete_release
from advisor.cli.epilog import LAB_MISSING, epilog
from advisor.cli.formats import Format, FormatOption
from advisor.console.lines import drawn
from advisor.console.output import emit, is_unicode, say
from advisor.errors import EnvironmentLacksError, Exit, UsageError
from advisor.files import reason
from advisor.lab.process.extra import EXTRA
from advisor.sentences import amount

if TYPE_CHECKING:
    from advisor.lab.capabilities.measure import Compared

MEASURE_EPILOG = epilog(
    "capabilities measure --sdk mcp==2.3.0",
    "capabilities measure --sdk mcp==2.3.0 --check",
    install=EXTRA,
    exit_codes={
        0: "every measurement agrees with the stored data; with --write: the measurements were written, even if they "
        "differ",
        1: "a measurement differs from the stored data, or a release cannot be measured",
        2: "the release or an option is invalid",
        4: f"{LAB_MISSING}, or a file cannot be written",
    },
)
BISECT_EPILOG = epilog(
    "capabilities bisect --sdk mcp",
    "capabilities bisect --sdk mcp --cell progress",
    install=EXTRA,
    exit_codes={
        0: "every change was found in the release that the stored data names",
        1: "a change was found in another release, or a measurement differs from the stored data",
        2: "the package or an option is invalid",
        4: LAB_MISSING,
    },
)


DeadlineOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--deadline", metavar="SECONDS", help="A call without an answer after this time is a hang; 0.5 to 600."
    ),
]
RulesOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--rules",
        metavar="DIR",
        help="The folder of rules whose data is compared and written. By default, the rules of the program.",
    ),
]


def measure(
    sdk: Annotated[
        list[str],
        typer.Option(
            "--sdk",
            metavar="RELEASE",
            autocompletion=complete_release,
            help="The release to measure, such as mcp==2.3.0. Repeatable.",
        ),
    ],
    write: Annotated[
        bool, typer.Option("--write", help="Write the measurements to rules/capabilities/ and print the diff.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Print only the measurements that differ from the stored data.")
    ] = False,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write the result to FILE. By default, the result is printed."
        ),
    ] = "",
    format: FormatOption = Format.TEXT,
    deadline: DeadlineOption = "5",
    here: Annotated[
        bool,
        typer.Option(
            "--here",
            help="Use the current Python environment if it has the release. By default, every release gets a new "
            "environment.",
        ),
    ] = False,
    rules: RulesOption = "",
) -> int:
    """Measure which features an SDK release supports.

    The command starts a server for every flag pair of the release. Legacy and modern clients then use every feature
    through every API call that the SDK has for it. The command compares the outcomes with the stored data in
    rules/capabilities/. uv makes a temporary environment for each release.
    """
    import asyncio

    from advisor.knowledge import load
    from advisor.lab.process.programs import require_extra

    seconds, root = _seconds(deadline), _root(rules)
    require_extra()  # first, because the imports below need its packages
    from advisor.lab.capabilities import capability_files
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
    sdk: Annotated[
        str,
        typer.Option(
            "--sdk", metavar="PACKAGE", autocompletion=complete_package, help="The package of the SDK: mcp or fastmcp."
        ),
    ],
    cell: Annotated[
        str,
        typer.Option(
            "--cell",
            metavar="FEATURE[/CALL]",
            autocompletion=complete_feature,
            help="Search only for the changes of this feature, or of this API call. By default, search for all.",
        ),
    ] = "",
    write: Annotated[
        bool, typer.Option("--write", help="Write the found releases to rules/capabilities/ and print the diff.")
    ] = False,
    format: FormatOption = Format.TEXT,
    deadline: DeadlineOption = "5",
    rules: RulesOption = "",
) -> int:
    """Find the SDK release that changed a feature.

    The capability data has features whose outcome differs between two measured releases. For each of these features,
    the command measures the two releases, and then releases between them, until it finds the first release with the
    new outcome (binary search).
    """
    import asyncio

    from advisor.knowledge import load
    from advisor.lab.process.programs import require_extra

    seconds, root = _seconds(deadline), _root(rules)
    require_extra()  # first, because the imports below need its packages
    from advisor.lab.capabilities import bisection, capability_files
    from advisor.lab.capabilities import report as words
    from advisor.report.serialization import json_text

    known = load(root).capabilities
    wanted = bisection.changes(known, sdk, cell)
    if cell and not wanted:
        raise UsageError(
            f"--cell {cell!r:.80} has no change between two measured releases of {sdk}. Without --cell, the command "
            "searches for every change."
        )
    found = asyncio.run(bisection.bisect(wanted, known, say, deadline_s=seconds))
    if write:
        text = capability_files.rewrite(root, {sdk: lambda file: bisection.apply(file, found)})
        for bisected in found:
            for release in bisected.wrong:
                change = bisected.change
                say(
                    f"{release}: the measurement of {change.feature}, {change.call} differs from the stored data. "
                    "This change was not written."
                )
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
    counts = f"{amount(len(measured.cells), 'cell')} and {amount(len(measured.behaviours), 'behaviour')}"
    sdk = measured.sdk_under_test.sdk
    return f"{sdk}: {counts} measured, {wrong} differ from the stored data, {measured.seconds:.0f} s"


def _root(rules: str) -> Path:
    from advisor.knowledge.paths import rules_dir

    root = Path(rules).resolve() if rules else rules_dir()
    if not root.is_dir():
        raise UsageError(f"--rules {root} is not a folder.")
    return root


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.5 <= seconds <= 600:
        raise UsageError(f"--deadline {text!r:.40} is not allowed. Allowed: a number of seconds from 0.5 to 600.")
    return seconds


def _to_file(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EnvironmentLacksError(f"{path} cannot be written: {reason(error)}.") from error
