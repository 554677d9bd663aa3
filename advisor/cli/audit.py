"""The command `audit`: it reads code, proxies and manifests, and reports problems in single files and across them."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from advisor.audits.path_facts import PathFacts
from advisor.cli.audited_files import DeploymentAudit, root_of
from advisor.cli.epilog import epilog
from advisor.cli.findings_output import (
    BaselineOption,
    ConfigOption,
    FindingsOrder,
    WriteBaselineOption,
    code_of,
    shown,
    write_baseline,
)
from advisor.cli.fixes import show_fixes, write_fixes
from advisor.cli.inputs import read_named
from advisor.console.canvas import Screen
from advisor.console.output import emit, say
from advisor.decision.advisor import default_advisor
from advisor.errors import Exit, UsageError
from advisor.report.audit_text import AuditScreen, audit_text
from advisor.sentences import counted

EPILOG = epilog(
    "audit .",
    "audit nginx.conf server.py",
    "audit . --fix --diff",
    "audit deploy --requirements requirements.yaml --format json",
    exit_codes={
        0: "the command found an MCP server and no problem, or only findings with severity info",
        1: "the command found problems, or an entry of the baseline is out of date",
        2: "a path does not exist, or a file of an option is invalid",
        5: "the command found no MCP server and no path to a server",
    },
)


class AuditFormat(str, Enum):
    """Text for people, JSON for programs, and forms of the findings for code hosts."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    MARKDOWN = "markdown"


def audit(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Folders and files of the deployment.")],
    requirements: Annotated[
        str,
        typer.Option(
            "--requirements",
            metavar="FILE",
            help="A requirements file. It adds facts that the files do not state: the clients, the number of "
            "instances, the features and the longest call.",
        ),
    ] = "",
    format: Annotated[
        AuditFormat,
        typer.Option(
            "--format",
            "-f",
            help="Output format: text for people, json for scripts, sarif for code scanning, github for annotations in "
            "GitHub Actions, markdown for a comment.",
        ),
    ] = AuditFormat.TEXT,
    full: Annotated[
        bool,
        typer.Option("--full", help="Show all paths and findings, accepted findings, and the reason and fix of each."),
    ] = False,
    baseline: BaselineOption = "",
    write_baseline_to: WriteBaselineOption = "",
    config: ConfigOption = "",
    fix: Annotated[bool, typer.Option("--fix", help="Write the safe patches of findings to the files.")] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Print the patches as a unified diff, and write nothing, also with --fix.")
    ] = False,
    unsafe: Annotated[
        bool,
        typer.Option("--unsafe", help="With --fix or --diff: also take patches that can change other behaviour."),
    ] = False,
) -> int:
    """Find problems in server code, proxies and manifests.

    The command reads server code (as `scan` does), configurations of proxies, manifests of Kubernetes,
    compose files, Dockerfiles and Terraform. It joins them to paths of requests: from the proxy through
    Services to the server. It runs nothing,
    and changes files only with --fix.

    Only paths that lead to an MCP server are judged. The path, the host, the upstream or the workload is
    named after MCP, the proxy uses Mcp-Session-Id, or the path leads to a server in the scanned code.
    """
    if unsafe and not (fix or diff):
        raise UsageError("--unsafe needs --fix or --diff.")
    if (fix or diff) and (format is not AuditFormat.TEXT or write_baseline_to):
        raise UsageError("--fix and --diff cannot be used with --format or --write-baseline.")
    advisor = default_advisor()
    knowledge = advisor.knowledge
    options = ["--requirements", requirements] if requirements else []
    command = ("audit", *paths, *options)
    order = FindingsOrder(command, knowledge, format.value, full, baseline, write_baseline_to, config)
    root, within = root_of(paths)
    triage = order.triage(root, knowledge.findings)
    stated = read_named(requirements, advisor.space) if requirements else None
    files = DeploymentAudit(root, within, knowledge, stated)
    if fix or diff or format is not AuditFormat.TEXT:
        files.patch()
    result = files.result
    is_known = bool(result.paths or result.tree.servers)
    examined = result.examined if is_known else ()
    found = order.triaged(result.findings, examined, result.not_examined, triage)
    if format is not AuditFormat.TEXT and not write_baseline_to:
        emit(shown(found, order))
    if not is_known:
        for path, why in result.not_examined:
            say(f"{path}: {why}")
        say(counted(knowledge.phrases, "audit.nothing", len(result.examined), path=" ".join(paths)))
        return Exit.NOTHING_EXAMINED
    if write_baseline_to:
        return write_baseline(found, order, triage)
    if diff:
        show_fixes(files, found, knowledge.phrases, unsafe=unsafe)
        return code_of(found, order)
    if fix:
        write_fixes(files, found, knowledge.phrases, unsafe=unsafe)
        result = DeploymentAudit(root, within, knowledge, stated).result
        found = order.triaged(result.findings, result.examined, result.not_examined, triage)
        return code_of(found, order)
    if format is AuditFormat.TEXT:
        facts = [PathFacts(path, knowledge, stated) for path in result.paths]
        screen = AuditScreen(paths, facts, found, command)
        emit(audit_text(screen, knowledge.phrases, Screen.of_output(), full=full))
    return code_of(found, order)
