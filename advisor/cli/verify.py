"""The command `verify`: the kit run for real, each predicted cell next to what clients observe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.formats import Format
from advisor.errors import Exit, UsageError
from advisor.knowledge import load as load_knowledge

if TYPE_CHECKING:
    from advisor.lab.fleet.fleet import Fleet
    from advisor.lab.verify.result import Verification


PROXIES = (*load_knowledge().kit_proxies, "none")
"""What may stand in front."""


def verify(
    target: Annotated[
        str, typer.Argument(metavar="DIR|FILE", help="A kit, or a requirements file (- for stdin) to make one from.")
    ],
    proxy: Annotated[
        str,
        typer.Option(
            "--proxy",
            metavar=f"[{'|'.join(PROXIES)}]",
            help="Put another proxy in front, with the kit decided for it. none: straight.",
        ),
    ] = "",
    instances: Annotated[
        int, typer.Option("--instances", metavar="N", min=0, max=20, help="How many instances of each tier run.")
    ] = 0,
    sessions: Annotated[
        int, typer.Option("--sessions", metavar="N", min=1, max=500, help="How many clients of each era.")
    ] = 20,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the fleet up afterwards, until Ctrl-C, and say how to reach it.")
    ] = False,
    chaos: Annotated[
        bool, typer.Option("--chaos", help="Then break its parts one by one, and check what DECISION.md promises.")
    ] = False,
    chaos_only: Annotated[bool, typer.Option("--chaos-only", help="Do that alone.")] = False,
    event: Annotated[
        list[str] | None, typer.Option("--event", metavar="ID", help="Only this event; may be given several times.")
    ] = None,
    load: Annotated[
        int,
        typer.Option(
            "--load", metavar="N", min=0, max=50_000, help="Then hold N sessions in one instance and call it non-stop."
        ),
    ] = 0,
    format: Annotated[Format, typer.Option("--format", "-f", help="How to write the result.")] = Format.TEXT,
) -> int:
    """Run a kit for real and compare every predicted feature cell with what clients observe.

    Starts the kit's server as it lies in DIR, several instances behind the kit's own proxy, on free ports of this
    machine; nothing is written to DIR. What is predicted is what the kit's decision.json promises. Every tool is listed
    and called; cancellation, broken connections and bare HTTP are tried as well. Exit code 1: something was observed
    that was not predicted, or DECISION.md does not say what is decided. 4: a program or the extra `lab` is missing.

    --chaos kills, stalls, stops and replaces instances, reloads the proxy and takes Redis away while clients of both
    eras call, each event by itself, and counts what they see and what runs twice.

    --load measures what an instance carries on this machine: sessions held, memory of each, calls a second under each
    flag pair.
    """
    import asyncio

    from advisor.cli.inputs import read_for_kit
    from advisor.console.progress import watcher
    from advisor.decision.advisor import default_advisor
    from advisor.lab.process.programs import require_extra
    from advisor.requirements.discovery import is_directory

    require_extra()  # before anything that imports what it brings
    from advisor.lab.process.steps import Steps
    from advisor.lab.verify.job import VerifyOptions, plan
    from advisor.lab.verify.job import verify as run_verification

    if proxy not in ("", *PROXIES):
        raise UsageError(f"{proxy!r:.80} cannot stand in front; one of {', '.join(PROXIES)}.")
    advisor = default_advisor()
    kit_dir = _kit_dir(target) if is_directory(target) else None
    raw, requirements = read_for_kit(str(kit_dir / "requirements.yaml") if kit_dir else target, advisor.space)
    options = VerifyOptions(
        proxy=proxy,
        instances=instances,
        sessions=sessions,
        cells=not chaos_only,
        chaos=chaos or chaos_only or bool(event),
        events=tuple(event or ()),
        load=load,
    )
    job = plan(raw, requirements, advisor, options, kit_dir)
    context, shown = watcher()
    with context:
        found = asyncio.run(
            run_verification(
                job, Steps(shown), lambda result: _emit(result, format), _say_how_to_reach if keep else None
            )
        )
    return Exit.OK if found.ok else Exit.FINDINGS


def _kit_dir(target: str) -> Path:
    """The kit's folder, which has what a verification needs."""
    folder = Path(target).resolve()
    for path in ("requirements.yaml", "server/server.py", "server/pyproject.toml"):
        if not (folder / path).is_file():
            raise UsageError(f"{target} is no kit: {path} is missing. `generate` makes one.")
    return folder


def _emit(found: Verification, format: Format) -> None:
    from advisor.console import output
    from advisor.console.canvas import Screen
    from advisor.lab.verify.document import verification_dict
    from advisor.lab.verify.report import verification_text

    if format is Format.JSON:
        output.emit(json.dumps(verification_dict(found), indent=2, ensure_ascii=not output.is_unicode()) + "\n")
    else:
        screen = Screen(output.width(), output.wants_colour(), output.is_unicode())
        output.emit(verification_text(found, screen))


def _say_how_to_reach(fleet: Fleet) -> None:
    from advisor.console.output import say

    kit = fleet.plan.kit
    urls = {tier.name: fleet.url(tier.name, "legacy") for tier in kit.tiers}
    servers = {
        kit.service if len(urls) == 1 else f"{kit.service}-{name}": {"type": "http", "url": url}
        for name, url in urls.items()
    }
    say("\nThe fleet stays up until Ctrl-C. The lab's own tools (lab_...) are in it as well.")
    for name, url in urls.items():
        say(f"  {name}: {url}")
    first = next(iter(urls.values()))
    say(f"MCP Inspector:  npx @modelcontextprotocol/inspector --transport http --server-url {first}")
    say(f"mcp.json of an IDE:  {json.dumps({'servers': servers})}")
    say(f"Logs: {fleet.run.logs}")
