"""The command `verify`: it runs a kit and compares what clients observe with the expected results."""

from __future__ import annotations

import datetime
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.completion import complete_event, complete_proxy
from advisor.cli.epilog import LAB_MISSING, epilog
from advisor.cli.formats import Format, FormatOption
from advisor.errors import Exit, UsageError
from advisor.kit.sync.kit_paths import LOCK
from advisor.knowledge import load as load_knowledge
from advisor.lab.process.extra import EXTRA
from advisor.requirements.discovery import is_directory
from advisor.requirements.text import suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from advisor.lab.fleet.fleet import Fleet
    from advisor.lab.verify.result import Verification


EPILOG = epilog(
    "verify kit",
    "verify kit --chaos",
    "verify kit --event instance-killed --event proxy-reloaded",
    install=EXTRA,
    exit_codes={
        0: "every result is as expected",
        1: "a result is not as expected; or decision.json or DECISION.md is missing or damaged; or a program did not "
        "start; or the time of --timeout passed",
        2: "the command or the requirements are invalid",
        3: "no configuration keeps every required feature",
        4: LAB_MISSING,
    },
    faults={event.id: event.help for event in load_knowledge().events},
)


PROXIES = (*load_knowledge().kit_proxies, "none")
"""The values of `--proxy`: the proxies that a run can use, and `none` for a run without a proxy."""


def verify(
    target: Annotated[
        str,
        typer.Argument(
            metavar="DIR|FILE",
            help="The folder of a kit, or a requirements file (- for standard input). For a requirements file, the "
            "command generates a temporary kit.",
        ),
    ],
    proxy: Annotated[
        str,
        typer.Option(
            "--proxy",
            metavar=f"[{'|'.join(PROXIES)}]",
            autocompletion=complete_proxy,
            help="Use this proxy instead of the proxy of the kit. The command then runs a temporary kit that it "
            "generates for this proxy, without your edits. With the value `none`, the temporary kit has no proxy, and "
            "clients connect directly to the instances.",
        ),
    ] = "",
    instances: Annotated[
        int,
        typer.Option(
            "--instances",
            metavar="N",
            min=0,
            max=20,
            show_default=False,
            help="Number of instances in each tier (group of instances with the same flags). By default (0), each tier "
            "gets as many instances as the kit configures for this tier, but at most 5. A tier that allows only one "
            "instance always gets one.",
        ),
    ] = 0,
    sessions: Annotated[
        int,
        typer.Option(
            "--sessions",
            metavar="N",
            min=1,
            max=500,
            help="In each tier, start N legacy clients and N modern clients. In a stateful tier, each legacy client "
            "has one session.",
        ),
    ] = 20,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", help="Keep the instances and the proxy running after the checks, until Ctrl-C. Print their URLs."
        ),
    ] = False,
    chaos: Annotated[
        bool,
        typer.Option(
            "--chaos", help="Also run the fault-injection tests: inject one fault after another while clients call."
        ),
    ] = False,
    chaos_only: Annotated[
        bool, typer.Option("--chaos-only", help="Run the fault-injection tests and skip the feature checks.")
    ] = False,
    event: Annotated[
        list[str] | None,
        typer.Option(
            "--event",
            metavar="FAULT",
            autocompletion=complete_event,
            help="Like --chaos, but only with this fault (see the list below). Repeatable.",
        ),
    ] = None,
    load: Annotated[
        int,
        typer.Option(
            "--load",
            metavar="N",
            min=0,
            max=50_000,
            show_default=False,
            help="Also run a load test of one instance: open N sessions and measure their memory. Then call a tool "
            "again and again with each flag pair, and measure the calls per second. By default (0), no load test runs.",
        ),
    ] = 0,
    timeout: Annotated[
        int,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            min=0,
            max=86_400,
            show_default=False,
            help="End the run with exit code 1 if there is no result after this time. By default (0), only single "
            "steps have a time limit.",
        ),
    ] = 0,
    format: FormatOption = Format.TEXT,
) -> int:
    """Run a kit with real programs and check what clients observe.

    The command starts the server of the kit, with several instances behind the proxy of the kit, on free ports of this
    machine. Legacy clients (2025-11-25 and older) and modern clients (2026-07-28) call every tool and use every
    feature. They also cancel calls and break connections. Some tests send plain HTTP requests, without an SDK. The
    command compares each observation with the expected result in decision.json of the kit. The command writes nothing
    to DIR.

    With --chaos, the command injects faults while clients call. It checks that clients get only the errors that
    decision.json expects. These tests also detect tool calls that run twice.

    With --load N, the command also opens N sessions on one instance. It measures how many of these sessions the
    instance holds, and the memory of each session. It also measures the calls per second for each of the four flag
    pairs, which are the combinations of stateless_http and json_response.
    """
    import asyncio

    from advisor.cli.inputs import read_for_kit
    from advisor.console.progress import watcher
    from advisor.decision.advisor import default_advisor
    from advisor.kit.context import InfeasibleError
    from advisor.lab.process.programs import require_extra

    require_extra()  # first, because the imports below need its packages
    from advisor.lab.process.steps import Steps
    from advisor.lab.verify.job import VerifyOptions, plan
    from advisor.lab.verify.job import verify as run_verification

    if proxy not in ("", *PROXIES):
        hint = suggestion(proxy, PROXIES, "Allowed")
        raise UsageError(f"--proxy {proxy!r:.80} is not allowed. {hint}")
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
        timeout_s=timeout,
    )
    try:
        job = plan(raw, requirements, advisor, options, kit_dir)
    except InfeasibleError:
        file = str(Path(target) / "requirements.yaml") if kit_dir else target
        # With another proxy, the file alone does not have the contradiction.
        raise InfeasibleError("" if proxy else file) from None
    context, shown = watcher()
    with context:
        found = asyncio.run(
            run_verification(
                job,
                Steps(shown),
                lambda result: _emit(result, format, advisor.knowledge.phrases),
                _say_how_to_reach if keep else None,
            )
        )
    return Exit.OK if found.ok else Exit.FINDINGS


def _kit_dir(target: str) -> Path:
    """Return the folder of the kit, after a check that the needed files exist.

    Raises:
        UsageError: a file of the kit is missing.
    """
    folder = Path(target).resolve()
    for path in ("requirements.yaml", "server/server.py", "server/pyproject.toml"):
        if not (folder / path).is_file():
            what, kit, output = "is not a kit", "a kit", "DIR"
            if (folder / LOCK).is_file():
                what, kit, output = "has only a part of a kit", "the complete kit", shlex.quote(target)
            how = f"Generate {kit} with: mcp-advisor generate FILE -o {output}"
            raise UsageError(f"{target} {what}: {path} is missing. {how}")
    return folder


def _emit(found: Verification, format: Format, phrases: Mapping[str, str]) -> None:
    from advisor.console import output
    from advisor.console.canvas import Screen
    from advisor.lab.verify.document import verification_dict
    from advisor.lab.verify.report import verification_text

    if format is Format.JSON:
        day = datetime.date.today().isoformat()
        output.emit(json.dumps(verification_dict(found, day), indent=2, ensure_ascii=not output.is_unicode()) + "\n")
    else:
        screen = Screen.of_output()
        output.emit(verification_text(found, screen, phrases))


def _say_how_to_reach(fleet: Fleet) -> None:
    from advisor.console.output import say

    kit = fleet.plan.kit
    urls = {tier.name: fleet.url(tier.name, "legacy") for tier in kit.tiers}
    servers = {
        kit.service if len(urls) == 1 else f"{kit.service}-{name}": {"type": "http", "url": url}
        for name, url in urls.items()
    }
    say("\nThe instances and the proxy run until Ctrl-C. The server also has test tools with names lab_...")
    for name, url in urls.items():
        say(f"  {name}: {url}")
    first = next(iter(urls.values()))
    say(f"MCP Inspector:\n  npx @modelcontextprotocol/inspector --transport http --server-url {first}")
    say(f"mcp.json of an IDE:\n  {json.dumps({'servers': servers})}")
    say(f"Logs: {fleet.run.logs}")
