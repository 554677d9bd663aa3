"""The processes of a run: start, readiness, free ports, stall, end. The folder of a run and its logs."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from running import LAB, refused, until, users_of

from advisor.errors import EnvironmentLacksError, Exit, LabError, UsageError
from advisor.lab.process import ports
from advisor.lab.process.process import Process
from advisor.lab.process.run import Launch, Run

pytestmark = pytest.mark.retried(
    "The processes of a run share the processors, and their start, their answers and their end have deadlines."
)

CHILD: list[str | Path] = [sys.executable, "-I", "-S", LAB / "child.py"]
SHELL = ["sh", "-c"]


def run_(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 60))


async def never() -> bool:
    return False


def says(process: Process, word: str) -> bool:
    return word in "\n".join(process.tail())


async def wait_until(check: Callable[[], object]) -> None:
    while not check():
        await asyncio.sleep(0.02)


def assert_clean(temporary: Path) -> None:
    assert not list(temporary.iterdir())
    assert not users_of(temporary)


def test_nothing_is_left_on_success(temporary: Path) -> None:
    async def work() -> int:
        async with Run.open("try it/now") as run:
            assert re.fullmatch(r"mcp-advisor-try-it-now-[0-9a-f]{16}", run.folder.name)
            process, port = await run.start_on_port("web", lambda port: Launch([*CHILD, str(port)]))
            assert process.log == run.folder / "logs" / "web.log"
            assert process.tail() == ["ready"]
            assert await ports.listening(port)
            # Temporary files of the children are deleted with the folder.
            made = await run.execute("temp", [*SHELL, "mktemp"])
            assert Path(made.strip()).is_relative_to(run.folder)
        return port

    port = run_(work())
    assert_clean(temporary)
    assert refused(port)


def test_two_concurrent_runs_do_not_affect_each_other(temporary: Path) -> None:
    async def started(ended: asyncio.Event, wait: asyncio.Event | None) -> None:
        async with Run.open("same") as run:
            process, port = await run.start_on_port("web", lambda port: Launch([*CHILD, str(port)]))
            if wait:
                await wait.wait()
            assert process.alive()
            assert await ports.listening(port)
        ended.set()

    async def work() -> None:
        first, second = asyncio.Event(), asyncio.Event()
        await asyncio.gather(started(first, None), started(second, first))

    run_(work())
    assert_clean(temporary)


def test_descendants_of_a_process_end_with_the_run(temporary: Path) -> None:
    """The descendant has a session of its own, and its parent ended earlier."""

    async def work() -> None:
        async with Run.open("family") as run:
            process = await run.start("a", Launch([*CHILD, "--grandchild"]))
            await run.start("b", Launch([*SHELL, f"'{sys.executable}' -I -S '{LAB / 'child.py'}' --deaf & exit 0"]))
            await wait_until(lambda: len(process.members()) == 2)
            await wait_until(lambda: len(users_of(temporary)) == 4)  # three processes and the reaper

    run_(work())
    assert_clean(temporary)


def test_a_run_whose_reaper_died_cleans_up(temporary: Path) -> None:
    async def work() -> None:
        async with Run.open("alone") as run:
            await run.start("a", Launch([*CHILD, "--grandchild"]))
            os.kill(run._reaper._popen.pid, signal.SIGKILL)
            process = await run.start("b", Launch(CHILD))
            await wait_until(lambda: says(process, "ready"))

    run_(work())
    assert_clean(temporary)


def ignored(pid: int) -> set[signal.Signals]:
    status = Path(f"/proc/{pid}/status").read_text()
    bits = int(status.partition("SigIgn:")[2].split()[0], 16)
    return {number for number in signal.Signals if bits >> (number - 1) & 1}


def test_the_reaper_ignores_signals(temporary: Path) -> None:
    async def work() -> int:
        async with Run.open("deaf") as run:
            popen = run._reaper._popen
            everything = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
            await wait_until(lambda: everything <= ignored(popen.pid))
            for number in everything:
                popen.send_signal(number)
        return popen.returncode

    assert run_(work()) == 0
    assert_clean(temporary)


def test_a_cancellation_does_not_break_the_clean_up(temporary: Path, tmp_path: Path) -> None:
    note = tmp_path / "note"

    async def run_with_a_deaf_child() -> None:
        async with Run.open("cancelled") as run:
            process = await run.start("a", Launch([*CHILD, "--deaf", "--note", note]))
            await wait_until(lambda: says(process, "ready"))

    async def work() -> None:
        task = asyncio.create_task(run_with_a_deaf_child())
        await wait_until(note.exists)  # the clean-up sent the signal and waits one second for deaf processes
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert_clean(temporary)

    run_(work())


def test_processes_can_be_killed_stalled_resumed_and_terminated(temporary: Path) -> None:
    async def work() -> None:
        async with Run.open("signals") as run:
            note = run.folder / "note"
            gone, stalled = await run.start("a", Launch([*CHILD, "--grandchild"])), await run.start("b", Launch(CHILD))
            deaf = await run.start("c", Launch([*CHILD, "--deaf", "--note", note]))
            for process in (gone, stalled, deaf):
                await wait_until(partial(says, process, "ready"))
            family = gone.members()
            gone.kill()
            assert await gone.wait() == -signal.SIGKILL
            assert len(family) == 2
            # The grandchild ends too. It has a session of its own. Zombies are ignored.
            await wait_until(lambda: not set(family) & users_of(temporary).keys())

            stalled.stall()
            state = Path(f"/proc/{stalled.pid}/status")
            await wait_until(lambda: "T (stopped)" in state.read_text())
            assert stalled.alive()
            stalled.resume()
            await wait_until(lambda: "T (stopped)" not in state.read_text())
            stalled.stall()
            assert await stalled.terminate() == 0

            deaf.signal(signal.SIGINT)
            await wait_until(note.exists)
            assert await deaf.terminate(grace_s=0.1) == -signal.SIGKILL
            assert note.read_text().split() == ["SIGINT", "SIGTERM"]
            for process in (gone, stalled, deaf):
                assert not process.alive()
                process.kill()  # no error

    run_(work())
    assert_clean(temporary)


@pytest.mark.parametrize(
    ("command", "reason", "lines"),
    [
        ([*SHELL, "echo one; echo two >&2; exit 3"], "ended before it was ready (exit code 3)", ["one", "two"]),
        (
            [*SHELL, "echo SyntaxError:invalid; exit 1"],
            "ended before it was ready (exit code 1): SyntaxError:invalid.",
            ["SyntaxError:invalid"],
        ),
        ([*SHELL, "kill -9 $$"], "ended before it was ready (signal 9)", []),
        ([*CHILD, "--deaf"], "was not ready within 0.5 s. A busy machine can cause this.", ["ready"]),
        (["no-such-program"], "could not be started", []),
    ],
    ids=["ends", "names its error", "killed", "never ready", "no program"],
)
def test_a_failure_keeps_the_log_and_names_its_path(
    temporary: Path, command: list[str | Path], reason: str, lines: list[str]
) -> None:
    async def work() -> None:
        async with Run.open("fails") as run:
            (run.folder / "big").write_text("")
            await run.start("server", Launch(command, ready=never), deadline_s=0.5)

    with pytest.raises(LabError, match=re.escape(reason)) as caught:
        run_(work())
    error = caught.value
    assert error.code is Exit.FINDINGS
    assert error.lines == tuple(lines)
    assert str(error).endswith(f"Log: {error.log}")
    assert [line.strip() for line in str(error).splitlines()[1:-1]] == lines
    assert error.log is not None
    assert error.log.read_text().split() == lines
    assert [path.name for path in error.log.parent.parent.iterdir()] == ["logs"]
    assert not users_of(temporary)


def test_a_handled_failure_leaves_nothing(temporary: Path) -> None:
    async def work() -> None:
        async with Run.open("handled") as run:
            with pytest.raises(LabError):
                await run.start("server", Launch(["false"], ready=never))

    run_(work())
    assert_clean(temporary)


def test_logs_are_kept_for_defects_only(temporary: Path) -> None:
    """Logs are kept for a defect. A usage error or a cancellation leaves nothing."""

    async def work(error: BaseException) -> None:
        async with Run.open("other"):
            raise error

    for error in (UsageError("no"), asyncio.CancelledError()):
        with pytest.raises(type(error)):
            run_(work(error))
        assert_clean(temporary)
    with pytest.raises(KeyError):
        run_(work(KeyError("defect")))
    assert [path.name for folder in temporary.iterdir() for path in folder.iterdir()] == ["logs"]


def test_the_folder_stays_if_the_user_asks_for_it(temporary: Path) -> None:
    async def work() -> tuple[Path, int]:
        async with Run.open("kept") as run:
            run.keep()
            _, port = await run.start_on_port("web", lambda port: Launch([*CHILD, str(port)]))
            return run.folder, port

    folder, port = run_(work())
    assert (folder / "logs" / "web.log").read_text() == "ready\n"
    assert not users_of(temporary)
    assert refused(port)


def test_execute_returns_the_output_of_a_command(temporary: Path) -> None:
    async def work() -> None:
        async with Run.open("execute") as run:
            assert await run.execute("ok", [*SHELL, "echo out; echo err >&2"]) == "out\n"
            assert (run.logs / "ok.log").read_text() == "err\n"
            assert await run.execute("cwd", ["pwd"]) == f"{run.folder}\n"
            assert await run.execute("cwd", ["pwd"], cwd=Path("/")) == "/\n"
            with pytest.raises(LabError, match=r"bad failed \(exit code 2\)(.|\n)*why"):
                await run.execute("bad", [*SHELL, "echo why; exit 2"])
            with pytest.raises(LabError, match=r"slow did not end within 0.2 s"):
                await run.execute("slow", CHILD, deadline_s=0.2)
            await wait_until(
                lambda: len(users_of(temporary)) == 1
            )  # only the reaper is left; the process does not wait for the end of the run

    run_(work())
    assert_clean(temporary)


def test_children_get_a_clean_environment(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MCP_X", "FASTMCP_X", "PYTHONPATH", "WEB_CONCURRENCY", "UVICORN_PORT"):
        monkeypatch.setenv(name, "foreign")
    monkeypatch.setenv("UV_OVERRIDE", "ours")
    monkeypatch.setenv("NO_PROXY", "example.com")

    async def work() -> str:
        async with Run.open("environment") as run:
            return await run.execute("env", ["env"], env={"MCP_OWN": "1", "UV_OVERRIDE": "other"})

    variables = dict(line.split("=", 1) for line in run_(work()).splitlines())
    assert "foreign" not in variables.values()
    assert variables["MCP_OWN"] == "1"
    assert variables["UV_OVERRIDE"] == "other"
    assert variables["NO_PROXY"] == variables["no_proxy"] == "example.com,127.0.0.1,localhost"


def test_no_open_file_is_inherited_by_a_child(temporary: Path) -> None:
    """With a pipe of ours open in a child, the reaper would not notice that this process ended."""
    read, write = os.pipe()
    os.set_inheritable(write, True)

    async def work() -> str:
        async with Run.open("files") as run:
            await run.start("a", Launch(CHILD))
            return await run.execute("b", [sys.executable, "-I", "-c", "import os; print(os.listdir('/proc/self/fd'))"])

    assert run_(work()).count("'") == 2 * 4  # 0, 1, 2 and the folder that is listed
    os.close(read)
    os.close(write)


def taken(port: int, stack: ExitStack) -> None:
    other = stack.enter_context(socket.socket())
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    other.bind(("127.0.0.1", port))
    other.listen()


@pytest.mark.parametrize(
    "command",
    [
        [*CHILD],
        [*SHELL, "exit 1", "sh"],
        [*SHELL, "echo 'bind() failed (98: Address already in use)'; exec sleep 60", "sh"],
    ],
    ids=["traceback", "silent", "tries again for long"],
)
def test_a_start_is_repeated_if_another_process_takes_the_port(temporary: Path, command: list[str | Path]) -> None:
    tried: list[int] = []

    async def work(times: int) -> int:
        def build(port: int) -> Launch:
            tried.append(port)
            if len(tried) > times:
                return Launch([*CHILD, str(port)])
            taken(port, stack)
            return Launch([*command, str(port)])

        async with Run.open("ports") as run:
            process, port = await run.start_on_port("web", build)
            assert process.tail() == ["ready"]  # without the output of earlier attempts
            return port

    with ExitStack() as stack:
        assert run_(work(2)) == tried[-1]
        assert len(set(tried)) == 3
        tried.clear()
        with pytest.raises(EnvironmentLacksError, match="web: 5 free ports in a row") as caught:
            run_(work(5))
        assert caught.value.code is Exit.ENVIRONMENT
        assert len(set(tried)) == 5
    assert_clean(temporary)


def test_an_answer_of_another_process_does_not_make_ours_ready(temporary: Path) -> None:
    """Another process has the port, and our process has not tried to listen yet."""

    async def work() -> None:
        async with Run.open("ports") as run:
            with ExitStack() as stack:

                def build(port: int) -> Launch:
                    taken(port, stack)
                    return Launch(CHILD)

                await run.start_on_port("web", build, deadline_s=0.3)

    with pytest.raises(LabError, match=r"web was not ready within 0\.3 s"):
        run_(work())


def test_a_start_is_not_repeated_after_another_error(temporary: Path) -> None:
    tried: list[int] = []

    def build(port: int) -> Launch:
        tried.append(port)
        return Launch([*SHELL, "echo no such module; exit 1"])

    async def work() -> None:
        async with Run.open("ports") as run:
            await run.start_on_port("web", build)

    with pytest.raises(LabError, match="no such module"):
        run_(work())
    assert len(tried) == 1


def test_a_hanging_readiness_check_has_a_deadline(temporary: Path) -> None:
    async def hangs() -> bool:
        await asyncio.Event().wait()
        return True

    async def work() -> None:
        async with Run.open("hangs") as run:
            await run.start("server", Launch(CHILD, ready=hangs), deadline_s=0.3)

    with pytest.raises(LabError, match="not ready within"):
        run_(work())


def test_free_ports_are_free_and_differ() -> None:
    found = [ports.free_port() for _ in range(50)]
    assert len(set(found)) == 50
    assert all(map(refused, found))
    assert all(map(ports.is_free, found))


def test_a_server_answers_if_its_status_is_below_500() -> None:
    async def serve(status: bytes) -> bool:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(status)
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            return await ports.answers(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x?y=1")

    for status, expected in [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", True),
        (b"HTTP/1.1 503 No\r\n\r\n", False),
        (b"hello\r\n", False),
        (b"", False),
    ]:
        assert run_(serve(status)) is expected
    assert run_(ports.answers(f"http://127.0.0.1:{ports.free_port()}/")) is False


def test_the_run_waits_only_for_its_own_processes(temporary: Path) -> None:
    """The run ends although a process outside of it uses its folder."""

    async def work() -> int:
        async with Run.open("outside") as run:
            outsider = subprocess.Popen(["sleep", "60"], cwd=run.folder)
        try:
            return outsider.poll() is None
        finally:
            outsider.kill()
            outsider.wait()

    assert run_(work())
    until("the folder is gone", lambda: not list(temporary.iterdir()))
