"""Options and output of the commands that find problems in files: `scan` and `audit`."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple, TypeAlias

import typer

from advisor.console.canvas import Screen
from advisor.console.output import is_unicode, say
from advisor.errors import Exit, UsageError
from advisor.files import reason, write_atomically
from advisor.findings import Finding
from advisor.knowledge import Knowledge
from advisor.report.findings_document import findings_document
from advisor.report.findings_github import findings_github
from advisor.report.findings_markdown import findings_markdown
from advisor.report.findings_sarif import findings_sarif
from advisor.report.findings_text import findings_text
from advisor.report.serialization import json_lines, json_text
from advisor.requirements.text import quote
from advisor.sentences import amount
from advisor.triage import Triaged, TriageOrder, triaged
from advisor.triage.baseline import Baseline, accepting, baseline_document, read_baseline
from advisor.triage.configuration import TriagePolicy, found_configuration, read_configuration

BaselineOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--baseline",
        metavar="FILE",
        help="A file with accepted findings, from --write-baseline. The command reports only other findings. An entry "
        "that no finding matches any more is an error.",
    ),
]
WriteBaselineOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--write-baseline",
        metavar="FILE",
        help="Write all findings of today to FILE as accepted findings, and print no report. With --baseline, write "
        "only the entries of the baseline that findings still match.",
    ),
]
ConfigOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--config",
        metavar="FILE",
        help="A file that changes severities or leaves out findings, each with a reason. Without it: the file "
        ".mcp-advisor.yaml in the examined folder.",
    ),
]


class FindingsOrder(NamedTuple):
    """What the user asked for.

    Attributes:
        command: the command that the user ran, without these options, such as `scan src`.
        knowledge: has the kinds of findings and the words.
        format: `text`, `json`, `sarif`, `github` or `markdown`.
        full: whether the text has reasons, fixes and accepted findings.
        baseline: the file of --baseline, or "".
        write_baseline: the file of --write-baseline, or "".
        config: the file of --config, or "".
    """

    command: tuple[str, ...]
    knowledge: Knowledge
    format: str = "text"
    full: bool = False
    baseline: str = ""
    write_baseline: str = ""
    config: str = ""

    def triage(self, root: Path, judged: Collection[str]) -> TriageOrder:
        """Read the files of the options, before any other work.

        Args:
            root: the folder to which the paths of findings are relative.
            judged: the ids of the findings that the command can report.

        Raises:
            InputError: a file cannot be read or is invalid.
        """
        config = self.config or found_configuration(root)
        configuration = read_configuration(config, self.knowledge.findings) if config else TriagePolicy()
        return TriageOrder(root, judged, configuration, read_baseline(self.baseline) if self.baseline else Baseline())

    def triaged(
        self,
        findings: Sequence[Finding],
        examined: Sequence[str],
        not_examined: Sequence[tuple[str, str]],
        order: TriageOrder,
    ) -> Triaged:
        """Return the findings with what the team decided about them."""
        return triaged(findings, examined, not_examined, order, self.knowledge)


def shown(found: Triaged, order: FindingsOrder) -> str:
    """Return the findings in the format that the user asked for."""
    phrases = order.knowledge.phrases
    if order.format == "sarif":
        return json_text(findings_sarif(found, order.knowledge), ascii_only=not is_unicode())
    if order.format == "github":
        return findings_github(found, phrases)
    if order.format == "markdown":
        return findings_markdown(found, phrases)
    if order.format == "json":
        return json_text(findings_document(found), ascii_only=not is_unicode())
    return findings_text(found, phrases, Screen.of_output(), full=order.full)


def write_baseline(found: Triaged, order: FindingsOrder, triage: TriageOrder) -> int:
    """Write the file of --write-baseline.

    Raises:
        UsageError: the file cannot be written.
    """
    kept = [entry for line, entry in triage.baseline.entries if (line, entry) not in found.stale]
    entries = kept if order.baseline else list(accepting(found.findings))
    text = json_lines(baseline_document(entries), ascii_only=True)
    try:
        write_atomically(Path(order.write_baseline), text)
    except (OSError, ValueError) as error:
        raise UsageError(f"{order.write_baseline}: {reason(error)}.") from None
    say(f"{order.write_baseline}: {amount(len(entries), 'accepted finding')}.")
    return Exit.OK


def code_of(found: Triaged, order: FindingsOrder) -> int:
    """Return the exit code, and say which entries of the baseline are out of date. Severity info is no fault."""
    for line, entry in found.stale:
        say(f"{order.baseline}:{line}: there is no finding {entry.id} in {quote(entry.path)} any more.")
    if found.stale:
        config = ("--config", order.config) if order.config else ()
        files = ("--baseline", order.baseline, "--write-baseline", order.baseline)
        command = shlex.join(["mcp-advisor", *order.command, *config, *files])
        say(f"The baseline is out of date. To remove such entries, run `{command}`.")
    is_fault = any(each.finding.severity != "info" for each in found.findings)
    return Exit.FINDINGS if is_fault or found.stale else Exit.OK
