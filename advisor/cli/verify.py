"""The command `verify`: the kit run for real, each predicted cell beside what clients observe."""

from __future__ import annotations

import json
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.formats import Format
from advisor.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from advisor.decision.advisor import Advisor
    from advisor.kit.expected_failures import Promised
    from advisor.lab.fleet.fleet import Fleet
    from advisor.lab.process.run import Run
    from advisor.lab.process.steps import Steps
    from advisor.lab.verify.preparation import Preparation
    from advisor.lab.verify.result import Verification
    from advisor.requirements import Requirements


class ProxyChoice(str, Enum):
    """What may stand in front."""

    NGINX = "nginx"
    ENVOY = "envoy"
    HAPROXY = "haproxy"
    NONE = "none"


def verify(
    target: Annotated[
        str, typer.Argument(metavar="DIR|FILE", help="A kit, or a requirements file (- for stdin) to make one from.")
    ],
    proxy: Annotated[
        ProxyChoice | None,
        typer.Option("--proxy", help="Put another proxy in front, with the kit decided for it. none: straight."),
    ] = None,
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

    --load measures what one instance carries on this machine: sessions held, memory of each, calls a second under each
    flag pair.
    """
    import asyncio

    from advisor.console.progress import watcher
    from advisor.lab.process.programs import require_extra
    from advisor.lab.process.steps import Steps

    require_extra()  # before anything that imports what it brings
    from advisor.lab.verify.run import require

    kit_dir, raw, requirements, advisor = _read(target)
    prepared, faults = _prepared(requirements, advisor, proxy.value if proxy else "", instances, kit_dir)
    promises = _promises(prepared, advisor, event or []) if chaos or chaos_only or event else []
    require(prepared)
    if load:
        from advisor.lab.load.run import allow_sessions

        allow_sessions(load)
    context, shown = watcher()
    job = _Job(
        prepared,
        kit_dir,
        raw,
        advisor,
        sessions,
        keep,
        format,
        promises,
        cells=not chaos_only,
        load=load,
        faults=faults,
    )
    with context:
        return asyncio.run(job.run(Steps(shown)))


def _read(target: str) -> tuple[Path | None, bytes, Requirements, Advisor]:
    """The kit's folder (None for a requirements file), and what is required."""
    from advisor.cli.inputs import is_directory, read_for_kit
    from advisor.decision.advisor import default_advisor
    from advisor.errors import UsageError

    advisor = default_advisor()
    if not is_directory(target):
        return None, *read_for_kit(target, advisor.space), advisor
    folder = Path(target).resolve()
    for path in ("requirements.yaml", "server/server.py", "server/pyproject.toml"):
        if not (folder / path).is_file():
            raise UsageError(f"{target} is no kit: {path} is missing. `generate` makes one.")
    return folder, *read_for_kit(str(folder / "requirements.yaml"), advisor.space), advisor


def _prepared(
    requirements: Requirements, advisor: Advisor, proxy: str, instances: int, kit_dir: Path | None
) -> tuple[Preparation, tuple[str, ...]]:
    """What is to be run, and what is wrong with the documents of the kit."""
    from advisor.lab.verify.preparation import prepare
    from advisor.lab.verify.promises import read_promises

    prepared = prepare(requirements, advisor, proxy=proxy, instances=instances)
    if kit_dir is None:
        return prepared, ()
    if prepared.other_proxy:
        note = f"A kit for {proxy} was made for this run; that in {kit_dir} was not used."
        return replace(prepared, notes=(*prepared.notes, note)), ()
    said = read_promises(kit_dir, prepared, advisor)
    return replace(prepared, cells=said.cells, notes=(*prepared.notes, *said.notes)), said.problems


def _promises(prepared: Preparation, advisor: Advisor, events: list[str]) -> list[Promised]:
    from advisor.lab.verify.expected_failures import expected

    return expected(prepared, advisor.knowledge, events)


class _Job:
    """One verification, from the start of the fleet to the written result."""

    def __init__(
        self,
        prepared: Preparation,
        kit_dir: Path | None,
        raw: bytes,
        advisor: Advisor,
        sessions: int,
        keep: bool,
        format: Format,
        promises: Sequence[Promised],
        *,
        cells: bool,
        load: int,
        faults: tuple[str, ...] = (),
    ) -> None:
        self._prepared = prepared
        self._kit_dir = None if prepared.other_proxy else kit_dir
        self._raw = raw
        self._advisor = advisor
        self._sessions = sessions
        self._keep = keep
        self._format = format
        self._promises = promises
        self._cells = cells
        self._load = load
        self._faults = faults

    async def run(self, steps: Steps) -> int:
        """Do it; the exit code."""
        from advisor.errors import EndedBySignalError
        from advisor.lab.process.run import Run
        from advisor.lab.verify.run import running

        found: Verification | None = None
        try:
            async with (
                Run.open("verify") as run,
                running(run, self._prepared, self._folder(run, steps), steps) as fleet,
            ):
                found = await self._found(fleet, steps)
                if not found.ok:
                    run.keep_logs()
                    found = replace(found, logs=str(run.logs))
                self._emit(found)
                if self._keep:
                    await _wait(fleet)
        except EndedBySignalError:
            if not (self._keep and found):  # that is how a kept fleet ends
                raise
        return Exit.OK if found is not None and found.ok else Exit.FINDINGS

    async def _found(self, fleet: Fleet, steps: Steps) -> Verification:
        from advisor.lab.chaos.run import chaos
        from advisor.lab.verify.conduct import foresight
        from advisor.lab.verify.run import nothing_yet, verify

        found = nothing_yet(fleet, self._prepared, steps)
        if self._cells:
            foreseen = foresight(self._prepared, self._advisor)
            found = await verify(fleet, self._prepared, foreseen, steps, sessions=self._sessions)
        if self._load:
            from advisor.lab.load.loaded_server import of_kit
            from advisor.lab.load.run import measure_load

            carried = await measure_load(fleet.run, of_kit(fleet), self._load, steps=steps)
            found = replace(found, load=carried, steps=tuple(steps.done), seconds=steps.seconds)
        if self._promises:
            rows = await chaos(fleet, self._promises, steps)
            found = replace(found, chaos=rows, steps=tuple(steps.done), seconds=steps.seconds)
        return replace(found, problems=(*self._faults, *found.problems))

    def _folder(self, run: Run, steps: Steps) -> Path:
        """The kit; made in the run's folder where the user has none."""
        if self._kit_dir is not None:
            return self._kit_dir
        from advisor.kit.render import render_kit
        from advisor.kit.sync.generate import generate

        folder = run.folder / "kit"
        with steps.step("kit"):
            files = render_kit(self._prepared.decision, self._advisor, self._raw.decode())
            generate(files, self._raw, folder)
        return folder

    def _emit(self, found: Verification) -> None:
        from advisor.console import output
        from advisor.lab.verify.report import verification_dict, verification_text

        if self._format is Format.JSON:
            output.emit(json.dumps(verification_dict(found), indent=2, ensure_ascii=not output.is_unicode()) + "\n")
            return
        from advisor.console.canvas import Screen

        screen = Screen(output.width(), output.wants_colour(), output.is_unicode())
        output.emit(verification_text(found, screen))


async def _wait(fleet: Fleet) -> None:
    """Say how the fleet is reached, and wait for a signal."""
    import asyncio

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
    await asyncio.Event().wait()
