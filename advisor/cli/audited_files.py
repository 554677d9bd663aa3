"""Reads and judges the files that the user named, for the command `audit`."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from advisor.audits.deployment import deployment_findings
from advisor.audits.patches import Patch, Problems, patches, problem_key
from advisor.audits.request_paths import MOST_PATHS, RequestPath, request_paths
from advisor.audits.scanned_servers import http_servers
from advisor.audits.server_code import findings
from advisor.audits.server_processes import server_processes
from advisor.errors import UsageError
from advisor.findings import SEVERITIES, Finding
from advisor.knowledge import Knowledge
from advisor.requirements.model import Requirements
from advisor.sources.code_files import SourceFiles
from advisor.sources.code_model import NotExamined, ScannedTree
from advisor.sources.code_scan import scan_files
from advisor.sources.deployment_files import read_deployment
from advisor.sources.splices import diff, spliced


class AuditedDeployment(NamedTuple):
    """The result of an audit.

    Attributes:
        tree: the scanned server code.
        paths: the paths of requests to MCP servers.
        examined: the files that a reader knew.
        not_examined: the files that no reader could read, and parts of files.
        findings: the findings, the most severe first.
    """

    tree: ScannedTree
    paths: tuple[RequestPath, ...]
    examined: tuple[str, ...]
    not_examined: tuple[NotExamined, ...]
    findings: tuple[Finding, ...]


class DeploymentAudit:
    """The files that an audit reads.

    Attributes:
        root: the folder to which all paths are relative.
        result: what the audit found. `patch` adds the patches to its findings.
        patches: the patches of findings.
    """

    def __init__(
        self, root: Path, within: Sequence[str], knowledge: Knowledge, requirements: Requirements | None = None
    ) -> None:
        """Read and judge the files. `audited` explains the arguments."""
        self.root = root
        self._within = within
        self._knowledge = knowledge
        self._requirements = requirements
        self._files = self._found()
        self._tree = scan_files(self._files, str(root), knowledge)
        self.result = self._judged(self._files)
        self.patches: list[Patch] = []

    def text(self, path: str) -> str | None:
        """Return the text of a file that was read, with its line ends; None if it is not in UTF-8."""
        content = self._files.read(path)
        try:
            return None if content is None else content.decode()
        except UnicodeDecodeError:
            return None

    def problems(self, instead: Mapping[str, str]) -> Problems:
        """Return the problems of the deployment with other texts of files. The code of servers stays."""
        result = self.result
        if instead:
            files = self._found()
            files.replace({path: text.encode() for path, text in instead.items()})
            result = self._judged(files)
        unread = [("", path, re.sub(r"\d+", "", why)) for path, why in result.not_examined]  # lines can move
        return Counter([*map(problem_key, result.findings), *unread])

    def patch(self) -> None:
        """Find patches of the findings."""
        self.patches = patches(self.result.findings, self._knowledge, self.text, self.problems)
        made = {patch.key: patch for patch in self.patches}
        found = self.result.findings
        shown = tuple(self._with_patch(each, made.get((each.id, each.locations))) for each in found)
        self.result = self.result._replace(findings=shown)

    def _with_patch(self, finding: Finding, patch: Patch | None) -> Finding:
        text = None if patch is None else self.text(patch.path)
        if patch is None or text is None:
            return finding
        shown = diff(patch.path, text, spliced(text, [patch.splice]))
        return finding._replace(fix=finding.fix._replace(patch=shown, safe=patch.safe))

    def _found(self) -> SourceFiles:
        return SourceFiles(self.root, self._knowledge.scan_skips.values(), self._within)

    def _judged(self, files: SourceFiles) -> AuditedDeployment:
        knowledge, tree = self._knowledge, self._tree
        deployment = read_deployment(files, knowledge)
        port = knowledge.figure("server.port")
        servers = http_servers([tree])
        modules = {server.location.path for server in tree.servers}
        others = knowledge.other_programs
        paths = request_paths(deployment, servers, knowledge.proxies, port, knowledge.other_paths, others, modules)
        processes = server_processes(tree, paths, knowledge, self._requirements)
        found = [*deployment_findings(paths, knowledge, self._requirements), *findings(tree, knowledge, processes)]
        found.sort(key=lambda finding: (SEVERITIES.index(finding.severity), finding.id, finding.locations))
        limit = (
            [NotExamined(".", f"only {MOST_PATHS:,} paths to MCP servers were judged")]
            if len(paths) == MOST_PATHS
            else []
        )
        unread = {*limit, *tree.not_examined, *(NotExamined(*part) for part in deployment.not_examined)}
        examined = {*tree.examined, *deployment.examined}
        return AuditedDeployment(tree, paths, tuple(sorted(examined)), tuple(sorted(unread)), tuple(found))


def audited(
    root: Path, within: Sequence[str], knowledge: Knowledge, requirements: Requirements | None = None
) -> AuditedDeployment:
    """Read and judge files.

    Args:
        root: the folder to which all paths are relative.
        within: the folders and files in it that are read. `root_of` returns both.
        knowledge: has the conditions and the words.
        requirements: what the user states about the deployment, or None.
    """
    return DeploymentAudit(root, within, knowledge, requirements).result


def root_of(names: Sequence[str]) -> tuple[Path, list[str]]:
    """Return the folder that has all named folders and files, and their names in this folder.

    Raises:
        UsageError: a folder or file does not exist.
    """
    for name in names:
        try:
            is_there = Path(name).is_dir() or Path(name).is_file()
        except (OSError, ValueError):
            is_there = False
        if not is_there:
            raise UsageError(f"{name} is not a folder and not a file.")
    if len(names) == 1 and Path(names[0]).is_dir():
        return Path(names[0]), [""]
    places = [os.path.realpath(name) for name in names]
    folders = [place if os.path.isdir(place) else os.path.dirname(place) for place in places]  # noqa: PTH112, PTH120
    common = os.path.commonpath(folders)
    within = [Path(place).relative_to(common).as_posix() for place in places]
    root = Path(os.path.relpath(common))
    return root, ["" if name == "." else name for name in within]
