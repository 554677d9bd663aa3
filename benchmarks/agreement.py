"""Compares prediction and observation: `python -m benchmarks.agreement`.

The cases are every example and random requirements. Each case is one `verify`. A difference is a defect of the
prediction, of the kit or of a probe. Arguments: numbers of random cases or names of files run only these cases;
`--random N` sets the number of random cases.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from advisor.decision.advisor import Advisor
from advisor.errors import AdvisorError
from advisor.kit.context import kit_context
from advisor.knowledge import load
from advisor.requirements.reader import SourceDocument
from advisor.requirements.validate import validate
from benchmarks.requirements import draw

SEED = 5
RANDOM = 20


def main() -> None:
    """Print a line for each case and its differences; the exit code is 1 if a case has differences."""
    arguments = sys.argv[1:]
    many = int(arguments.pop(arguments.index("--random") + 1)) if "--random" in arguments else RANDOM
    wanted = [argument for argument in arguments if argument != "--random"]
    with tempfile.TemporaryDirectory() as folder:
        cases = [*map(str, sorted(Path("examples").glob("*.yaml"))), *drawn(Path(folder), many)]
        chosen = [case for case in cases if not wanted or any(name in case for name in wanted)]
        results = [run(case) for case in chosen]
    cells, wrong, seconds = (sum(column) for column in zip(*results, strict=True))
    print(f"{len(chosen)} cases, {cells - wrong} of {cells} cells agree, {seconds:.0f} s")
    sys.exit(1 if wrong else 0)


def drawn(folder: Path, many: int) -> list[str]:
    """Write the first `many` random requirements that have a kit; returns the paths."""
    advisor = Advisor(load())
    found: list[str] = []
    for number, data in enumerate(draw(advisor, 100 * many, SEED)):
        if len(found) == many:
            break
        try:
            kit_context(advisor.decide(validate(SourceDocument("x", data, {}), advisor.space)))
        except AdvisorError:  # a contradiction, or a release that kits are not written for
            continue
        path = folder / f"random-{number}.yaml"
        path.write_text(yaml.safe_dump(data))
        found.append(str(path))
    return found


def run(name: str) -> tuple[int, int, float]:
    """Verify one file; returns the number of cells, the number of differences or other problems, and the seconds."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "advisor", "verify", name, "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    label = Path(name).stem
    if done.returncode == 3:
        print(f"{label:36} a contradiction: nothing to verify", flush=True)
        return 0, 0, seconds
    if not done.stdout:
        print(f"{label:36} FAILED (exit {done.returncode}): {done.stderr.strip()}", flush=True)
        return 1, 1, seconds
    found = json.loads(done.stdout)
    differing = [cell for cell in found["cells"] if not cell["agrees"]]
    wrong = len(differing) or int(not found["ok"])
    total = len(found["cells"])
    lost = found["sessions"]["lost"]
    print(f"{label:36} {total - wrong:3} of {total:3}  lost {lost}  {seconds:5.1f} s  {found['proxy']}", flush=True)
    for cell in differing:
        where = "/".join(filter(None, [cell["tier"], cell["era"], cell["feature"], cell["call"]]))
        print(f"    {where}: {cell['predicted']} predicted, {cell['observed']} observed: {cell['detail']}", flush=True)
    for problem in found["problems"]:
        print(f"    {problem}", flush=True)
    return total, wrong, seconds


if __name__ == "__main__":
    main()
