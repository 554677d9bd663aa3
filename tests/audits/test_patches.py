"""The patches of findings remove their finding, add no other, and change no other byte."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

import pytest
from proxy_files import accepted
from running import run_command_for_text

from advisor.audits.patches import accepted as accepted_patches
from advisor.cli.audited_files import DeploymentAudit
from advisor.cli.findings_output import FindingsOrder
from advisor.cli.fixes import write_fixes
from advisor.errors import UsageError
from advisor.knowledge import Knowledge, load
from advisor.knowledge.finding_kinds import PatchRule
from advisor.lab.process.programs import program
from advisor.sources.platforms.yaml_edits import yaml_splice
from advisor.sources.proxies.haproxy_edits import haproxy_splice
from advisor.sources.proxies.nginx_edits import nginx_splice
from advisor.sources.splices import spliced
from advisor.triage import triaged

EXPECTED = {
    "retry-repeats-calls": ("nginx.conf", "error timeout non_idempotent;", "error timeout;"),
    "buffering-hint-ignored": ("nginx.conf", "        proxy_ignore_headers X-Accel-Buffering;\n", ""),
    "streams-buffered": ("nginx.conf", "proxy_buffering on;", "proxy_buffering off;"),
    "second-nginx-buffers-streams": (
        "edge/nginx.conf",
        "proxy_pass http://inner;\n",
        "proxy_pass http://inner;\n        proxy_buffering off;\n",
    ),
    "request-body-limit": ("nginx.conf", "8000;\n", "8000;\n        client_max_body_size 4m;\n"),
    "session-stored-at-end-of-response": ("nginx.conf", "timeout=24h;", "timeout=24h header;"),
    "session-table-from-requests": (
        "haproxy.cfg",
        "stick on req.hdr(Mcp-Session-Id)\n",
        "stick match req.hdr(Mcp-Session-Id)\n    stick store-response res.hdr(Mcp-Session-Id)\n",
    ),
    "session-table-expires-first": ("nginx.conf", "header;", "header timeout=24h;"),
    "timeout-below-ping-interval": ("nginx.conf", "proxy_read_timeout 10s;", "proxy_read_timeout 60s;"),
    "client-ip-affinity-expires-first": ("service.yaml", "timeoutSeconds: 300", "timeoutSeconds: 1800"),
}
WORDS = ("non_idempotent", "NON_IDEMPOTENT", '"non_idempotent"')
RETRY = PatchRule(True, "proxy_next_upstream", remove="non_idempotent")
OFF = PatchRule(False, "proxy_buffering", set="off")


def _audited(name: str, folder: Path, knowledge: Knowledge) -> DeploymentAudit:
    for kind, files in knowledge.findings[name].examples:
        for path, text in files.items() if kind == "hit" else ():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    return DeploymentAudit(folder, [""], knowledge)


def test_each_kind_of_finding_with_patches_has_an_expected_text() -> None:
    assert {kind.id for kind in load().findings.values() if kind.patches} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_patch_makes_the_expected_text(name: str, tmp_path: Path, knowledge: Knowledge) -> None:
    files = _audited(name, tmp_path, knowledge)
    files.patch()
    (patch,) = [each for each in files.patches if each.finding.id == name]
    path, old, new = EXPECTED[name]
    text = files.text(path)
    assert patch.path == path
    assert text is not None
    assert spliced(text, [patch.splice]) == text.replace(old, new)
    (finding,) = [each for each in files.result.findings if each.id == name]
    done = subprocess.run(
        ["patch", "-p1", "-s"], input=finding.fix.patch, cwd=tmp_path, check=True, text=True, timeout=60
    )
    assert done.returncode == 0
    again = DeploymentAudit(tmp_path, [""], knowledge).result
    assert name not in {each.id for each in again.findings}


@pytest.mark.parametrize("name", [name for name, (path, *_) in EXPECTED.items() if path.endswith("nginx.conf")])
@pytest.mark.programs
def test_nginx_accepts_a_patched_file(name: str, tmp_path: Path, knowledge: Knowledge) -> None:
    files = _audited(name, tmp_path, knowledge)
    files.patch()
    (patch,) = [each for each in files.patches if each.finding.id == name]
    text = spliced(files.text(patch.path) or "", [patch.splice]).replace("http://inner", "http://127.0.0.1:9")
    accepted(tmp_path, f"events {{}}\nhttp {{\n{text}}}\n")


HAPROXY = """defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server 10s
frontend web
    bind 127.0.0.1:8080
    default_backend mcp
backend mcp
    stick-table type string len 64 size 100k expire 24h
    stick on req.hdr(Mcp-Session-Id)  # the session
    retry-on all-retryable-errors
    server a 10.0.0.1:8000 check
    server b 10.0.0.2:8000 check
"""


@pytest.mark.programs
def test_haproxy_accepts_a_patched_file(tmp_path: Path, knowledge: Knowledge) -> None:
    file = tmp_path / "haproxy.cfg"
    file.write_text(HAPROXY)
    files = DeploymentAudit(tmp_path, [""], knowledge)
    files.patch()
    made = [each.splice for each in files.patches if each.path == "haproxy.cfg"]
    assert {each.finding.id for each in files.patches} >= {
        "session-table-from-requests",
        "retry-repeats-calls",
        "timeout-below-ping-interval",
    }
    file.write_text(spliced(HAPROXY, made))
    assert "store-response res.hdr(Mcp-Session-Id)  # the session\n    retry-on conn-failure\n" in file.read_text()
    assert "    timeout server 60s\n" in file.read_text()
    done = subprocess.run(
        [str(program("haproxy")), "-c", "-f", str(file)], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "line",
    [
        "    stick on req.hdr(Mcp-Session-Id) table other if { path /mcp }\n",
        "    stick on src\n",
        '    stick on "req.hdr(Mcp-Session-Id)"\n',
        "",
    ],
)
def test_another_line_of_haproxy_is_left_alone(line: str) -> None:
    rule = PatchRule(False, line="stick on req.hdr(mcp-session-id)", set="stick match src")
    assert haproxy_splice(f"backend a\n{line}", 2, rule) is None
    assert haproxy_splice("backend a\r\n\tSTICK on req.hdr(mcp-session-ID)\r\n", 2, rule) == (
        12,
        44,
        "stick match src",
        True,
    )


@pytest.mark.parametrize("seed", range(60))
def test_only_the_argument_changes_among_random_comments_and_spaces(seed: int) -> None:
    rng = random.Random(seed)
    ending = rng.choice(["\n", "\r\n"])

    def gap() -> str:
        return rng.choice([" ", "\t", "   ", ending, f" # non_idempotent ; }}{ending}", f"{ending}{ending}  "])

    args = ["error", '"time out"', "'http;500'", "${scheme}x", "a#b"]
    words = rng.sample(args, rng.randrange(1, 5))
    words.insert(rng.randrange(len(words) + 1), rng.choice(WORDS))
    directive = "proxy_next_upstream" + "".join(gap() + word for word in words) + rng.choice(["", " "]) + ";"
    head = f"{gap()}server{gap()}{{{gap()}location /mcp{gap()}{{{gap()}proxy_pass http://a;{gap()}"
    text = f"{head}{directive}{gap()}}}{gap()}}}{ending}"
    line = head.count("\n") + 1
    splice = nginx_splice(text, "nginx.conf", line, RETRY)
    assert splice is not None
    assert splice.text == ""
    removed = text[splice.start : splice.end]
    assert re.fullmatch(r'\s*"?non_idempotent"?', removed, re.IGNORECASE)
    assert splice.is_local
    made = nginx_splice(text, "nginx.conf", line, OFF)
    assert made is not None
    assert made.start == made.end
    assert re.fullmatch(r"\s*proxy_buffering off;\s*", made.text)
    assert nginx_splice(spliced(text, [made]), "nginx.conf", line, RETRY) is not None


def test_a_value_that_other_blocks_inherit_is_not_safe() -> None:
    retry = "proxy_next_upstream error non_idempotent;"
    inherited = f"server {{\n{retry}\nlocation /mcp {{ proxy_pass http://a; }}\n}}\n"
    splice = nginx_splice(inherited, "nginx.conf", 2, RETRY)
    assert splice is not None
    assert not splice.is_local
    nested = f"location / {{\n{retry}\nproxy_pass http://a;\nlocation /web {{ proxy_pass http://b; }}\n}}\n"
    splice = nginx_splice(nested, "nginx.conf", 2, RETRY)
    assert splice is not None
    assert not splice.is_local


def test_a_template_and_a_directive_without_other_arguments_of_a_kind_are_left_alone() -> None:
    template = "location / {\n    proxy_next_upstream error non_idempotent;\n    proxy_pass http://{{ host }};\n}\n"
    assert nginx_splice(template, "nginx.conf", 2, RETRY) is None
    assert nginx_splice("server {\n    listen 80;\n", "nginx.conf", 2, OFF) is None
    assert nginx_splice("server {\n    listen 80;\n}\n", "nginx.conf", 2, OFF) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("spec: {timeoutSeconds: 300}  # é\n", "spec: {timeoutSeconds: 1800}  # é\n"),
        ("\ufeffspec:\r\n  timeoutSeconds:   '300'   # a\r\n", "\ufeffspec:\r\n  timeoutSeconds:   '1800'   # a\r\n"),
        ('a: 1\n---\n# é😀\n"timeoutSeconds": "300"', 'a: 1\n---\n# é😀\n"timeoutSeconds": "1800"'),
        ("timeoutSeconds: &a 300\n", None),
        ("timeoutSeconds: {{ .Values.x }}\n", None),
        ("timeoutSeconds: |\n  300\n", None),
    ],
)
def test_only_the_value_of_a_key_changes(old: str, new: str | None) -> None:
    line = next(index for index, text in enumerate(old.split("\n"), 1) if "timeoutSeconds" in text)
    splice = yaml_splice(old, line, PatchRule(True, key="timeoutSeconds", set="1800"))
    assert (None if splice is None else spliced(old, [splice])) == new


NGINX = """upstream mcp {
    zone mcp 256k;
    server 10.0.0.1:8000 max_fails=0;
    server 10.0.0.2:8000 max_fails=0;
    sticky learn create=$upstream_http_mcp_session_id lookup=$http_mcp_session_id zone=sessions:10m;  # table
}
server {
    location /mcp {
        proxy_pass http://mcp;
        client_max_body_size 4m;
        proxy_next_upstream error non_idempotent;
    }
}
"""
SAFE = NGINX.replace(" non_idempotent", "").replace(":10m;", ":10m header;")


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    file = tmp_path / "shop" / "nginx.conf"
    file.parent.mkdir()
    file.write_text(NGINX)
    file.chmod(0o640)
    return file


def test_diff_prints_and_writes_nothing(conf: Path) -> None:
    for options in (["--diff"], ["--fix", "--diff"]):
        done = run_command_for_text("audit", conf.parent, *options)
        assert done.returncode == 1
        assert done.stdout.startswith("--- a/nginx.conf\n+++ b/nginx.conf\n")
        assert "+        proxy_next_upstream error;\n" in done.stdout
        assert "timeout=24h" not in done.stdout
        assert "add --unsafe" in done.stderr
        assert conf.read_text() == NGINX


def test_fix_writes_safe_patches_and_then_the_others(conf: Path) -> None:
    done = run_command_for_text("audit", conf.parent, "--fix")
    assert done.returncode == 1
    assert conf.read_text() == SAFE
    assert conf.stat().st_mode & 0o777 == 0o640
    assert "nginx.conf:11: fixed retry-repeats-calls." in done.stderr
    done = run_command_for_text("audit", conf.parent, "--fix", "--unsafe")
    assert done.returncode == 0, done.stderr
    assert conf.read_text() == SAFE.replace(" header;", " header timeout=24h;")
    assert [path.name for path in conf.parent.iterdir()] == ["nginx.conf"]


def test_fix_leaves_accepted_findings(conf: Path) -> None:
    ignore = "# mcp-advisor: ignore[retry-repeats-calls] an example"
    conf.write_text(NGINX.replace("non_idempotent;", f"non_idempotent;  {ignore}"))
    run_command_for_text("audit", conf.parent, "--fix", "--unsafe")
    assert f"non_idempotent;  {ignore}" in conf.read_text()
    assert "header" in conf.read_text()


def test_fix_does_not_write_outside_the_folder(conf: Path) -> None:
    outside = conf.parent.parent / "outside.conf"
    conf.rename(outside)
    conf.symlink_to(outside)
    done = run_command_for_text("audit", conf.parent, "--fix")
    assert done.returncode == 2
    assert "outside the audited folder" in done.stderr
    assert outside.read_text() == NGINX


def test_options_that_do_not_fit_are_refused(conf: Path) -> None:
    for options in (["--unsafe"], ["--fix", "--format", "json"], ["--diff", "--write-baseline", "b.json"]):
        assert run_command_for_text("audit", conf.parent, *options).returncode == 2
    assert conf.read_text() == NGINX


def test_a_patch_that_leaves_its_finding_or_adds_another_is_dropped(conf: Path, knowledge: Knowledge) -> None:
    files = DeploymentAudit(conf.parent, [""], knowledge)
    files.patch()
    (good,) = [patch for patch in files.patches if patch.finding.id == "retry-repeats-calls"]
    more = "; proxy_hide_header Mcp-Session-Id"
    for splice in (good.splice._replace(text=more), good.splice._replace(text=" non_idempotent timeout")):
        bad = good._replace(splice=splice)
        assert accepted_patches([bad], files.text, files.problems) == []
    others = [patch for patch in files.patches if patch is not good]
    assert accepted_patches([bad, *others], files.text, files.problems) == others


def test_a_file_that_changed_since_it_was_read_is_not_written(conf: Path, knowledge: Knowledge) -> None:
    files = DeploymentAudit(conf.parent, [""], knowledge)
    files.patch()
    result = files.result
    triage = FindingsOrder(("audit",), knowledge).triage(conf.parent, knowledge.findings)
    found = triaged(result.findings, result.examined, result.not_examined, triage, knowledge)
    conf.write_text(f"# new\n{NGINX}")
    with pytest.raises(UsageError, match="has changed since it was read"):
        write_fixes(files, found, knowledge.phrases, unsafe=False)
    assert conf.read_text() == f"# new\n{NGINX}"
