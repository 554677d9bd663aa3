"""The command `document`: as a process against `recommend`, and for a directory of a thousand requirements files."""

import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from advisor.team_documents.forms import DocumentForm
from benchmarks.side_by_side import processes

_EXAMPLES = Path("examples")
_FILES = 1000
_PROGRAM = str(Path(sys.executable).with_name("mcp-advisor"))


def documents() -> None:
    """Each form of a document, and a thousand files with the facts of the examples, in files per second of a core."""
    example = str(_EXAMPLES / "customer-service-agent.yaml")
    with tempfile.TemporaryDirectory() as folder:
        for form in DocumentForm:
            command = [_PROGRAM, "document", example, "-o", f"{folder}/{form.value}", "--format", form.value]
            print(
                f"  document --format {form.value}, recommend: {processes(command, [_PROGRAM, 'recommend', example])}"
            )
        print("  (aim: 1.5)")
        files = Path(folder, "files")
        files.mkdir()
        examples = sorted((*_EXAMPLES.glob("*.yaml"), *_EXAMPLES.glob("field/*.yaml")))
        for number in range(_FILES):
            text = examples[number % len(examples)].read_text(encoding="utf-8")
            named = re.sub(r"^service: .*$", f"service: service-{number}", text, count=1, flags=re.MULTILINE)
            (files / f"{number:04}.yaml").write_text(named, encoding="utf-8")
        for form in (DocumentForm.ONE_PAGE, DocumentForm.ADR, DocumentForm.HTML):
            seconds = _processor_time(str(files), f"{folder}/fleet-{form.value}/", form.value)
            print(f"  {_FILES} files, --format {form.value}: {_FILES / seconds:.0f} files/s of a core   (aim: 50)")


def _processor_time(files: str, output: str, form: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [_PROGRAM, "document", files, "-o", output, "--format", form], capture_output=True, timeout=600, check=False
    )
    if done.returncode not in (0, 3):
        sys.exit(done.stderr.decode())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
