"""`generate` against `copier copy` of a template with the same files: `python -m benchmarks.kit`."""

import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.side_by_side import pairs

EXAMPLE = "examples/saas-b2b.yaml"


def kit() -> None:
    """A new kit and a regenerated kit, each compared with copier and as many files of the same size."""
    program, copier = (str(Path(sys.executable).with_name(name)) for name in ("mcp-advisor", "copier"))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        _run([program, "generate", EXAMPLE, "-o", str(work / "kit")])
        files = _template(work / "kit", work / "template")
        numbers = itertools.count()

        def ours() -> None:
            _run([program, "generate", EXAMPLE, "-o", str(work / f"ours-{next(numbers)}")])

        def theirs() -> None:
            _run([copier, "copy", "--defaults", "--quiet", str(work / "template"), str(work / f"copy-{next(numbers)}")])

        print(f"  generate, copier copy ({files} files): {pairs(ours, theirs, 15)}   (aim: 0.5)")
        again = [program, "generate", EXAMPLE, "-o", str(work / "kit")]
        print(f"  generate again, copier copy:     {pairs(lambda: _run(again), theirs, 15)}")


def _template(kit: Path, template: Path) -> int:
    """Make a copier template of a kit. Copier renders every file with the name of the service as variable."""
    template.mkdir()
    (template / "copier.yml").write_text(
        "_subdirectory: files\nservice:\n  type: str\n  default: saas\n", encoding="utf-8"
    )
    paths = [path for path in kit.rglob("*") if path.is_file()]
    for path in paths:
        place = template / "files" / f"{path.relative_to(kit)}.jinja"
        place.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8")
        place.write_text("# {{ service }}\n{% raw %}" + text + "{% endraw %}", encoding="utf-8")
    return len(paths)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    if done.returncode != 0:
        sys.exit(f"{command} failed: {done.stderr.decode()}")


if __name__ == "__main__":
    kit()
