"""The command `topology`: it shows the topology data. `topology measure` measures the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.completion import complete_setup
from advisor.cli.epilog import LAB_MISSING, epilog
from advisor.cli.formats import Format, FormatOption
from advisor.console.lines import drawn
from advisor.console.output import emit, is_unicode, say
from advisor.errors import Exit, UsageError
from advisor.lab.process.extra import EXTRA

if TYPE_CHECKING:
    from advisor.knowledge import Knowledge
    from advisor.knowledge.topology import BalancingStrategy

_EPILOG = epilog(
    "topology",
)
_MEASURE_EPILOG = epilog(
    "topology measure",
    "topology measure --setup nginx-sticky-learn",
    install=EXTRA,
    exit_codes={
        0: "every strategy behaves as the data says; with --write: the measurements were written, even if they differ",
        1: "a strategy keeps or loses sessions in other cases than the data says",
        2: "the ID is unknown",
        4: LAB_MISSING,
    },
)

app = typer.Typer(add_completion=False, rich_markup_mode=None, epilog=_EPILOG)


@app.callback(invoke_without_command=True)
def topology(context: typer.Context, format: FormatOption = Format.TEXT) -> None:
    """Show what load-balancing strategies do to sessions.

    The data comes from measurements with real servers, proxies and clients. For each strategy of a proxy, the output
    says whether the strategy sends every request of a session to the instance that owns the session.
    """
    if context.invoked_subcommand is not None:
        return
    from advisor.knowledge import load

    knowledge = load()
    _show(list(knowledge.topology.values()), knowledge, format)


@app.command("measure", epilog=_MEASURE_EPILOG)
def measure(
    setup: Annotated[
        list[str],
        typer.Option(
            "--setup",
            metavar="ID",
            autocompletion=complete_setup,
            help="Measure only this strategy, by its id in rules/topology.yaml. Repeatable. By default, measure all.",
        ),
    ] = [],  # noqa: B006
    write: Annotated[
        bool, typer.Option("--write", help="Write the measurements to rules/topology.yaml and print the diff.")
    ] = False,
    format: FormatOption = Format.TEXT,
) -> int:
    """Measure what load-balancing strategies do to sessions.

    The command starts servers and proxies on this machine and compares the measurements with rules/topology.yaml. All
    strategies together take about 15 minutes.
    """
    import asyncio

    from advisor.console.progress import watcher
    from advisor.decision.advisor import default_advisor
    from advisor.lab.process.programs import require_extra

    advisor = default_advisor()
    wanted = _wanted(setup, advisor.knowledge)
    require_extra()
    from advisor.knowledge.topology import verdict
    from advisor.lab.topology import measure as lab  # needs the extra
    from advisor.lab.topology.writer import write as write_rows

    showing, watching = watcher()
    with showing:
        measured = asyncio.run(lab.measure(wanted, advisor, lab.Scale(), watching))
    differing = [(strategy, verdict(strategy)) for strategy in measured if verdict(strategy) != strategy.keeps]
    for strategy, found in differing:
        measured_value = repr(found) if found else "no single value"
        say(
            f"{strategy.id}: `keeps` is {strategy.keeps!r} in rules/topology.yaml, "
            f"but the measurement gives {measured_value}."
        )
    if write:
        emit(write_rows(advisor.knowledge, measured))
        return Exit.OK
    _show(measured, advisor.knowledge, format)
    return Exit.FINDINGS if differing else Exit.OK


def _wanted(setups: Sequence[str], knowledge: Knowledge) -> list[BalancingStrategy]:
    from advisor.requirements.text import unknown_names

    if problem := unknown_names(setups, knowledge.topology, "There is no strategy {}.", "Strategies"):
        raise UsageError(problem)
    return [strategy for name, strategy in knowledge.topology.items() if not setups or name in setups]


def _show(strategies: Sequence[BalancingStrategy], knowledge: Knowledge, format: Format) -> None:
    from advisor.report import topology_table as words
    from advisor.report.serialization import json_text

    if format is Format.JSON:
        emit(json_text(words.record(strategies, knowledge), ascii_only=not is_unicode()))
    else:
        emit(drawn(words.lines(strategies, knowledge.phrases)))
