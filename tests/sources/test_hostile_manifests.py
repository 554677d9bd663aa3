"""No file of a platform makes the readers crash or hang: changed files, aliases, depth and cycles."""

from __future__ import annotations

import random
import time

import pytest
from changed_servers import LONGEST_S
from changed_text import PARTS
from deployments import deployed
from test_cluster_entries import GATEWAY, ISTIO, ROUTE, RULE
from test_container_files import COMPOSE, DOCKERFILE, ECS, TERRAFORM
from test_hostile_code import FEW, MANY
from test_kubernetes_files import AROUND, DEPLOYMENT, KUSTOMIZATION, PATCH

FILES = {
    "app.yaml": f"{DEPLOYMENT}---\n{AROUND}",
    "routes.yaml": "---\n".join([ROUTE, GATEWAY, ISTIO, RULE]),
    "kustomization.yaml": KUSTOMIZATION.format(namespace="a", resource="app.yaml", count=2)
    + "patches: [{path: more.yaml}, {path: more.yaml, target: {kind: Deployment}}]\n",
    "more.yaml": PATCH,
    "compose.yaml": COMPOSE,
    "Dockerfile": DOCKERFILE,
    "main.tf": TERRAFORM + ECS,
}
TOKENS = [
    "{",
    "}",
    "[",
    "]",
    ": ",
    "- ",
    "&a ",
    "*a",
    "<<: *a",
    "|\n",
    '"',
    "'",
    "\\",
    "\0",
    "\ufeff",
    "\t",
    "---\n",
    "#",
]
TOKENS += [
    "{{ x }}",
    "${X:-",
    "$(X)",
    "<<EOF\n",
    "/*",
    "999999999999999999999",
    "1e400",
    "-1",
    "nan",
    "0x",
    "٣",
    "!!binary ",
]


def changed(text: str, others: list[str], draw: random.Random) -> str:
    """Return a text with a few changes: lines and parts are removed, doubled, moved, or taken from another text."""
    for _ in range(draw.randint(1, 5)):
        lines = text.splitlines(keepends=True) or [""]
        index = draw.randrange(len(lines))
        kind = draw.randrange(6)
        if kind == 0:
            lines.pop(index)
        elif kind == 1:
            lines.insert(index, draw.choice(lines))
        elif kind == 2:
            lines.insert(index, draw.choice(draw.choice(others).splitlines(keepends=True)))
        elif kind == 3:
            lines[index] = " " * draw.randint(0, 8) + lines[index].lstrip()
        elif kind == 4:
            line = lines[index]
            place = draw.randrange(len(line) + 1)
            lines[index] = line[:place] + draw.choice(TOKENS) + line[place:]
        else:
            key, colon, _ = lines[index].partition(":")
            lines[index] = f"{key}{colon} {draw.choice(TOKENS)}\n"
        text = "".join(lines)
    return text


def check(count: int, seed: int) -> None:
    draw = random.Random(seed)
    texts = list(FILES.values())
    deployed(FILES)  # the knowledge is loaded before the first measurement
    for number in range(count):
        name = draw.choice(list(FILES))
        files = {**FILES, name: changed(FILES[name], texts, draw)} if draw.random() < 0.3 else {}
        files = files or {name: changed(FILES[name], texts, draw)}
        started = time.process_time()
        found = deployed(files)
        assert time.process_time() - started < LONGEST_S, (seed, number, files[name])
        repr(found)


def test_changed_files_are_read_or_refused() -> None:
    check(FEW * 2, seed=1)


@pytest.mark.thorough
@pytest.mark.weekly
@pytest.mark.parametrize("seed", range(PARTS))
def test_a_hundred_thousand_changed_files_are_read_or_refused(seed: int) -> None:
    check(MANY // PARTS, seed)


HEAD = "apiVersion: v1\nkind: Pod\nmetadata: {}\n"
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)
)
HOSTILE = {
    "a billion aliases": HEAD + LAUGHS,
    "a list that contains itself": HEAD + "spec: &a {containers: [*a], b: *a}\n",
    "a merge key with itself": HEAD + "spec: &a {<<: *a, b: 1}\n",
    "many merge keys": HEAD + "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: *a{n - 1}}}\n" for n in range(1, 20_000)),
    "deep lists": HEAD + "a: " + "[" * 50_000,
    "deep mappings": HEAD + "\n".join(" " * depth + "a:" for depth in range(1, 1200)),
    "many values": HEAD + "a: [" + "a," * 400_000 + "]",
    "many keys": HEAD + "\n".join(f"k{number}: v" for number in range(90_000)),
    "many documents": "\n---\n".join([HEAD] * 30_000),
    "many budgets": "\n---\n".join(
        ["apiVersion: apps/v1\nkind: Deployment\nmetadata: {}\nspec: {template: {metadata: {labels: {a: b}}, spec: {containers: [{}]}}}"] * 300
        + ["apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {}\nspec: {selector: {matchLabels: {a: b}}}"] * 300
    ),
    "many scalers": "\n---\n".join(
        ["apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{}]}}}"] * 300
        + ["apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {}\nspec: {scaleTargetRef: {kind: Deployment, name: a}}"] * 300
    ),
    "many names": "\n---\n".join(f"apiVersion: v1\nkind: Service\nmetadata: {{name: a, namespace: n{n}}}" for n in range(5000))
    + "\n---\n".join([""] + ["apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {}\nspec: {defaultBackend: {service: {name: a}}}"] * 300),
    "an image without an end": HEAD + "spec: {containers: [{image: '" + ":" * 100_000 + "'}]}",
    "a long command": HEAD + "spec: {containers: [{command: [sh, -c, '" + "uvicorn \"" * 50_000 + "']}]}",
    "a nested command": HEAD + "spec: {containers: [{command: ['" + "uvicorn " * 100_000 + "']}]}",
    "a long duration": HEAD + "spec: {terminationGracePeriodSeconds: " + "1h" * 200_000 + "}",
    "empty lines": HEAD + "\n" * 900_000,
    "empty lines without a kind": "a:\n" + "\n" * 900_000 + "image: a",
    "a long text": HEAD + "a: '" + "x" * 900_000,
}  # fmt: skip
OTHERS = {
    ("Dockerfile", "lines that continue"): "RUN a \\\n" * 100_000,
    ("Dockerfile", "a text without an end"): "FROM a\n" + "RUN <<A <<B\n" * 50_000,
    ("Dockerfile", "many variables"): "FROM a\n" + "".join(f"ENV A{n}=b\n" for n in range(60_000)),
    ("Dockerfile", "many stages"): "".join(f"FROM s{n} AS s{n + 1}\nENV A{n}=1\n" for n in range(20_000)),
    ("compose.yaml", "aliases"): "services:\n  a: {image: b}\n" + LAUGHS,
    ("compose.yaml", "many services"): "services:\n" + "".join(f"  s{n}: {{image: b}}\n" for n in range(10_000)),
    ("compose.yaml", "an environment of itself"): "services:\n  a: &a {image: b, environment: *a}\n",
    ("main.tf", "open blocks"): 'resource "a" "b" {\n' * 50_000,
    ("main.tf", "open brackets"): "a = " + "[" * 500_000,
    ("main.tf", "an open text"): 'a = "' + "${" * 300_000,
    ("main.tf", "an open comment"): "/*" * 300_000,
    ("main.tf", "open heredocs"): "a = <<E\n" + "b = <<F\n" * 50_000,
    ("main.tf", "many resources"): "".join(
        f'resource "aws_lb" "l{n}" {{}}\nresource "aws_lb_listener" "i{n}" {{ load_balancer_arn = aws_lb.l{n}.arn }}\n'
        for n in range(5000)
    ),
    ("kustomization.yaml", "a circle"): "resources: [., ../a, ./]\n",
    ("templates/a.yaml", "open braces"): HEAD + "{{" * 300_000,
    ("a.yaml", "spaces before a colon"): HEAD + ("-" * 200 + " " * 200 + "\n") * 2000,
}


def read(path: str, text: str) -> None:
    deployed({})  # the knowledge is loaded before the measurement
    started = time.process_time()
    deployed({path: text[:1_000_000]})
    assert time.process_time() - started < LONGEST_S


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_manifests_take_less_than_a_second(name: str) -> None:
    read("a.yaml", HOSTILE[name])


@pytest.mark.parametrize(("path", "name"), OTHERS)
def test_other_hostile_files_take_less_than_a_second(path: str, name: str) -> None:
    read(path, OTHERS[path, name])


@pytest.mark.parametrize("name", ["a billion aliases", "a list that contains itself", "many values", "many keys"])
def test_a_refused_file_is_named(name: str) -> None:
    (unread,) = deployed({"a.yaml": HOSTILE[name]}).not_examined
    assert "too many values" in unread.why


def test_bases_that_name_each_other_are_read_once() -> None:
    files = {f"{name}/kustomization.yaml": f"resources: [../{other}]\n" for name, other in ("ab", "ba")}
    assert deployed(files).workloads == ()
