"""Environments that the real uv makes from a real package index with two releases of one small package."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from advisor.errors import EnvironmentLacksError, Exit, UsageError
from advisor.lab.process import ports
from advisor.lab.process.environments import environment
from advisor.lab.process.run import Run

pytestmark = pytest.mark.retried(
    "The processes of a run share the processors, and their start, their answers and their end have deadlines."
)

RELEASES = {"1.0": "2024-01-01T00:00:00Z", "2.0": "2025-01-01T00:00:00Z"}
PYTHON_CODE = ["-c", "import lab_sample; print(lab_sample.RELEASE)"]


def wheel(release: str) -> bytes:
    info = f"lab_sample-{release}.dist-info"
    files = {
        "lab_sample.py": f"RELEASE = {release!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: lab-sample\nVersion: {release}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(name, text)
    return packed.getvalue()


WHEELS = {f"lab_sample-{release}-py3-none-any.whl": wheel(release) for release in RELEASES}


class Index(BaseHTTPRequestHandler):
    """The simple index in JSON format, with the times of upload."""

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if self.path == "/simple/lab-sample/":
            self.answer(json.dumps(self.page()).encode(), "application/vnd.pypi.simple.v1+json")
        elif name in WHEELS:
            self.answer(WHEELS[name], "application/octet-stream")
        else:
            self.send_error(404)

    def page(self) -> dict[str, Any]:
        files = [
            {
                "filename": name,
                "url": f"/files/{name}",
                "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
                "upload-time": RELEASES[name.split("-")[1]],
            }
            for name, content in WHEELS.items()
        ]
        return {"meta": {"api-version": "1.1"}, "name": "lab-sample", "files": files}

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 (the name that the base class looks for)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()


@pytest.fixture(autouse=True)
def _own_index(temporary: Path, tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the index and the cache of this test, instead of those of the machine."""
    for name in ("UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_OVERRIDE", "UV_OFFLINE", "UV_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_DEFAULT_INDEX", index)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")


def made(*wanted: str, **options: Any) -> list[str]:
    """The releases in environments for `wanted`, made at the same time."""

    async def created(run: Run, number: int, requirement: str) -> str:
        python = await environment(run, [requirement], name=f"venv-{number}", **options)
        assert python.is_relative_to(run.folder / f"venv-{number}")
        return (await run.execute(f"which-{number}", [python, *PYTHON_CODE])).strip()

    async def work() -> list[str]:
        async with Run.open("environments") as run:
            return await asyncio.gather(
                *(created(run, number, requirement) for number, requirement in enumerate(wanted))
            )

    return asyncio.run(asyncio.wait_for(work(), 60))


def test_several_environments_are_made_at_the_same_time(temporary: Path) -> None:
    assert made("lab-sample==1.0", "lab-sample==2.0", "lab-sample") == ["1.0", "2.0", "2.0"]
    assert not list(temporary.iterdir())


def test_a_release_uploaded_after_the_limit_is_ignored() -> None:
    assert made("lab-sample", exclude_newer="2024-06-01") == ["1.0"]


@pytest.mark.parametrize(
    ("requirement", "says"),
    [
        ("lab-sample==9.9", "there is no version of lab-sample==9.9"),
        ("no-such-package", "no-such-package was not found"),
        ("lab-sample==", "expected version"),
    ],
)
def test_a_release_that_does_not_exist_is_refused(temporary: Path, requirement: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        made(requirement)
    assert caught.value.code is Exit.USAGE
    lines = str(caught.value).splitlines()
    assert lines[0] == f"Cannot install {requirement}:"
    assert len(lines) <= 7
    assert not list(temporary.iterdir())


def test_an_unreachable_index_is_reported(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{ports.free_port()}/simple")
    with pytest.raises(EnvironmentLacksError, match="package index cannot be reached, so lab-sample") as caught:
        made("lab-sample==1.0")
    assert caught.value.code is Exit.ENVIRONMENT
    assert not list(temporary.iterdir())
