"""Shows and writes the patches of findings, for the command `audit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from advisor.audits.patches import Patch, accepted, changed
from advisor.cli.audited_files import DeploymentAudit
from advisor.console.output import emit, say
from advisor.errors import UsageError
from advisor.files import reason, write_atomically
from advisor.report.findings_text import shown_place
from advisor.sentences import counted
from advisor.sources.splices import diff
from advisor.triage import Triaged


def show_fixes(files: DeploymentAudit, found: Triaged, phrases: Mapping[str, str], *, unsafe: bool) -> None:
    """Print the changes as a unified diff, and say how many findings it leaves."""
    chosen = _chosen(files, found, unsafe=unsafe)
    for path, text in changed(chosen, files.text).items():
        emit(diff(path, files.text(path) or "", text))
    _say_rest(found, chosen, phrases, unsafe=unsafe)


def write_fixes(files: DeploymentAudit, found: Triaged, phrases: Mapping[str, str], *, unsafe: bool) -> None:
    """Write the changes, and say which findings they fix.

    Raises:
        UsageError: a file is outside the audited folder, has changed since it was read, or cannot be written.
    """
    chosen = _chosen(files, found, unsafe=unsafe)
    made = changed(chosen, files.text)
    targets = {path: _target(files, path) for path in made}
    for path, text in made.items():
        _write(targets[path], path, text)
        for patch in chosen:
            if patch.path == path:
                place = shown_place(patch.finding.locations[0])
                say(phrases["audit.fix.done"].format(place=place, id=patch.finding.id))
    _say_rest(found, chosen, phrases, unsafe=unsafe)


def _chosen(files: DeploymentAudit, found: Triaged, *, unsafe: bool) -> list[Patch]:
    """Return the patches that the user wants, of findings that the team has not accepted."""
    wanted = {(each.finding.id, each.finding.locations) for each in found.findings}
    of_findings = [patch for patch in files.patches if patch.key in wanted]
    return accepted([patch for patch in of_findings if patch.safe or unsafe], files.text, files.problems)


def _say_rest(found: Triaged, chosen: Sequence[Patch], phrases: Mapping[str, str], *, unsafe: bool) -> None:
    done = {patch.key for patch in chosen}
    left = [each.finding for each in found.findings if (each.finding.id, each.finding.locations) not in done]
    with_patch = [finding for finding in left if finding.fix.patch and not finding.fix.safe]
    if with_patch and not unsafe:
        say(counted(phrases, "audit.fix.unsafe", len(with_patch)))
    without = [finding for finding in left if unsafe or finding not in with_patch]
    for finding in without:
        say(phrases["audit.fix.none"].format(place=shown_place(finding.locations[0]), id=finding.id))


def _target(files: DeploymentAudit, path: str) -> Path:
    """Return the file behind symbolic links. All files are checked before the first is written.

    Raises:
        UsageError: it is outside the audited folder, or it has changed.
    """
    target = (files.root / path).resolve()
    if not target.is_relative_to(files.root.resolve()):
        raise UsageError(f"{path} is a link to a file outside the audited folder. Nothing was changed.")
    try:
        is_same = target.read_bytes() == (files.text(path) or "").encode()
    except OSError as error:
        raise UsageError(f"{path}: {reason(error)}.") from None
    if not is_same:
        raise UsageError(f"{path} has changed since it was read. Nothing was changed. Run the command again.")
    return target


def _write(target: Path, path: str, text: str) -> None:
    try:
        mode = target.stat().st_mode & 0o7777
        write_atomically(target, text)
        target.chmod(mode)
    except OSError as error:
        raise UsageError(f"{path}: {reason(error)}.") from None
