"""The commands `rules list`, `rules show` and `rules check`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from advisor.cli.completion import complete_id, complete_table
from advisor.cli.entry import print_entry, print_record
from advisor.cli.epilog import epilog
from advisor.cli.formats import Format, FormatOption
from advisor.console.output import say
from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import check
from advisor.errors import Exit, KnowledgeError, UsageError
from advisor.files import reason
from advisor.knowledge import load
from advisor.report import rule_records, rule_text

_EPILOG = epilog(
    "rules list --table session",
    "rules show SES-300",
    "rules check",
)
_CHECK_EPILOG = epilog(
    "rules check",
    exit_codes={
        0: "the proof succeeded",
        1: "a rule is wrong, or a file of rules is invalid",
        2: "DIR cannot be read",
    },
)

app = typer.Typer(
    add_completion=False,
    help="List, explain or check the rules of the recommendation.",
    rich_markup_mode=None,
    no_args_is_help=True,
    epilog=_EPILOG,
)


@app.command("list", epilog=epilog("rules list --table session"))
def list_rules(
    table: Annotated[
        str,
        typer.Option(
            "--table",
            metavar="NAME",
            autocompletion=complete_table,
            help="List only this decision table. By default, list all tables.",
        ),
    ] = "",
    format: FormatOption = Format.TEXT,
) -> None:
    """List the rules of each decision table."""
    record = rule_records.listing(load(), table or None)
    print_record(record, format, rule_text.listing_lines)


@app.command("show", epilog=epilog("rules show SES-300", "rules show scale.instances"))
def show_rule(
    name: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            autocompletion=complete_id,
            help="The id of a rule (SES-300), a decision table (session), a fact (scale.instances), a feature "
            "(progress) or a source.",
        ),
    ],
    format: FormatOption = Format.TEXT,
) -> None:
    """Explain a rule, a fact, a feature or a source.

    For a rule, the output has the conditions, the result, the reason, the sources and examples.
    """
    print_entry(name, format)


@app.command("check", epilog=_CHECK_EPILOG)
def check_rules(
    rules: Annotated[
        str,
        typer.Option(
            "--rules", metavar="DIR", help="The folder of rules to check. By default, the rules of the program."
        ),
    ] = "",
    format: FormatOption = Format.TEXT,
) -> int:
    """Prove that the rules give one decision in every case.

    The command checks the rules for all combinations of values that a requirements file can have. It proves that the
    rules give exactly one decision for each combination, and that each rule is needed.
    """
    advisor = _advisor(Path(rules) if rules else None)
    if sys.stderr.isatty():
        say("Checking the rules for all combinations of facts ...")
    record = rule_records.proof_record(check(advisor))
    print_record(record, format, rule_text.proof_lines)
    return Exit.OK if record["ok"] else Exit.FINDINGS


def _advisor(folder: Path | None) -> Advisor:
    """Return an advisor that uses a folder of rules; None stands for the rules of the program.

    Raises:
        UsageError: the folder does not exist or cannot be read.
        KnowledgeError: a file is invalid, or a file refers to something that no file declares.
    """
    try:
        if folder is not None and not folder.is_dir():
            raise UsageError(f"--rules {folder} is not a folder.")
        return Advisor(load(folder and folder.resolve()))
    except (OSError, ValueError) as error:  # an unreadable folder, a NUL in its name
        raise UsageError(f"{str(folder)!r} cannot be read: {reason(error)}.") from None
    except (LookupError, StopIteration) as error:
        # Each file is valid alone, but a file refers to something that no file declares.
        raise KnowledgeError(f"{folder or 'rules/'}: incomplete: {error or 'a table'} is not declared.") from None
