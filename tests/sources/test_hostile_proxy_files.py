"""No configuration makes a reader of proxies crash or hang: changed files, deep nesting, cycles and strange bytes."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
import test_caddy_files
import test_envoy_files
import test_haproxy_files
import test_nginx_files
import test_traefik_files
from proxy_files import check_words

from advisor.knowledge import Knowledge
from advisor.sources.proxies import caddy, envoy, haproxy, nginx, traefik
from advisor.sources.proxies.wording import LONGEST

LONGEST_S = 1.0
"""The seconds of CPU time. Other processes of a busy machine do not count."""
FEW, MANY = 400, 100_000

NGINX = [test_nginx_files.complete(text) for text, _ in test_nginx_files.UPSTREAMS.values()]
SAMPLES: dict[str, tuple[Any, str, list[str]]] = {
    "nginx": (
        nginx,
        "nginx.conf",
        [*NGINX, test_nginx_files.complete(test_nginx_files.LEVELS), test_nginx_files.TEMPLATE, test_nginx_files.MAIN],
    ),
    "haproxy": (
        haproxy,
        "haproxy.cfg",
        [*(text for text, _ in test_haproxy_files.UPSTREAMS.values()), test_haproxy_files.RULES],
    ),
    "envoy": (
        envoy,
        "envoy.yaml",
        [
            *(text for text, _ in test_envoy_files.UPSTREAMS.values()),
            test_envoy_files.ROUTES,
            *test_envoy_files.RESOURCES.values(),
        ],
    ),
    "caddy": (
        caddy,
        "Caddyfile",
        [*(text for text, _ in test_caddy_files.UPSTREAMS.values()), test_caddy_files.OWNED, test_caddy_files.SITES],
    ),
    "traefik": (
        traefik,
        "traefik.yaml",
        [*(text for text, _ in test_traefik_files.UPSTREAMS.values()), test_traefik_files.ROUTERS],
    ),
    "toml": (traefik, "traefik.toml", [test_traefik_files.TOML]),
}
STRANGE = [
    "\0",
    "\ufeff",
    "{",
    "}",
    "{{ x }}",
    "${X}",
    '"',
    "'",
    "`",
    "\\",
    "#",
    "[",
    "]",
    ": ",
    "\t",
    "- ",
    "*a",
    "&a ",
]


def changed(text: str, others: list[str], draw: random.Random) -> str:
    """Return a text with a few changes: lines, words and characters are removed, doubled, swapped or added."""
    lines = text.splitlines(keepends=True)
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(lines)) if lines else 0
        kind = draw.randrange(6)
        if not lines or kind == 0:
            lines[place:place] = draw.choice(others).splitlines(keepends=True)[: draw.randint(1, 9)]
        elif kind == 1:
            lines.pop(place)
        elif kind == 2:
            lines.insert(place, draw.choice(lines))
        elif kind == 3:
            words = lines[place].split(" ")
            draw.shuffle(words)
            lines[place] = " ".join(words)
        elif kind == 4:
            words = lines[place].split(" ")
            words[draw.randrange(len(words))] = draw.choice(draw.choice(others).split() or [""])
            lines[place] = " ".join(words)
        else:
            at = draw.randrange(len(lines[place]) + 1)
            lines[place] = lines[place][:at] + draw.choice(STRANGE) + lines[place][at:]
    return "".join(lines)


def check(kind: str, count: int, seed: int, knowledge: Knowledge) -> None:
    reader, path, texts = SAMPLES[kind]
    draw = random.Random(seed)
    for number in range(count):
        text = changed(draw.choice(texts), texts, draw)
        files = {path: text, f"conf.d/{path}": draw.choice(texts), "other.conf": draw.choice(texts)}
        started = time.process_time()
        found = reader.read(text, path, files)
        assert time.process_time() - started < LONGEST_S, (seed, number, text)
        assert found.examined or found.not_examined, text
        check_words(found, knowledge)
        if number % 10 == 0:
            started = time.process_time()
            reader.read_all(list(files), files)
            assert time.process_time() - started < LONGEST_S, (seed, number, text)


@pytest.mark.parametrize("kind", SAMPLES)
def test_changed_configurations_are_read_or_refused(kind: str, knowledge: Knowledge) -> None:
    check(kind, FEW, 1, knowledge)


@pytest.mark.thorough
@pytest.mark.weekly
@pytest.mark.parametrize("kind", SAMPLES)
def test_a_hundred_thousand_changed_configurations_are_read_or_refused(kind: str, knowledge: Knowledge) -> None:
    check(kind, MANY // len(SAMPLES), 2, knowledge)


def nginx_maps(count: int) -> str:
    return "".join(f"map $a{n + 1}$a{n + 2} $a{n} {{ default $a{n + 1}$a{n + 2}; x y; z w; }}\n" for n in range(count))


DEEP = 100_000
HOSTILE: dict[str, tuple[str, str]] = {
    "deep blocks": ("nginx", "http {" * DEEP + "}" * DEEP),
    "open blocks": ("nginx", "server {\n" * DEEP),
    "a string without an end": ("nginx", 'server { listen 80; }\nlog_format a "' + "x\n" * 200_000),
    "many directives": ("nginx", "server {\n" + "proxy_set_header A b;\n" * 20_000 + "}\n"),
    "many locations": ("nginx", "server {\n" + "location /a { proxy_pass http://b; }\n" * 10_000 + "}\n"),
    "maps of maps": ("nginx", f"http {{ {nginx_maps(300)} server {{ location / {{ proxy_pass http://$a0; }} }} }}"),
    "a map of itself": ("nginx", "map $a $a { default $a$a; }\nserver { location / { proxy_pass http://$a; } }"),
    "variables of each other": (
        "nginx",
        "server { set $a $b; set $b $a; location / { proxy_pass http://$a$b; } upstream x { hash $a; } }",
    ),
    "many placeholders": ("nginx", "server { location / { proxy_pass http://{{ a }}; } }\n" * 9000),
    "open placeholders": ("nginx", "server { location / { proxy_pass http://a; } }\n" + "{{ " * DEEP),
    "named locations of each other": (
        "nginx",
        "server { location /a { try_files x @b; } location @b { try_files x @c; } location @c { try_files x @b;"
        " proxy_pass http://a; } }",
    ),
    "many rules": ("haproxy", "frontend a\n  bind :80\n" + "  use_backend b if { path /a } or { path /b }\n" * 9000),
    "long conditions": ("haproxy", "frontend a\n  bind :80\n  use_backend b if " + "{ path /a } " * 1500),
    "acls of many lines": (
        "haproxy",
        "frontend a\n  bind :80\n" + "  acl c path /a\n" * 500 + "  use_backend b if " + "c " * 30,
    ),
    "a line without an end": ("haproxy", "frontend a\n  bind :80\n  acl x path " + '"' * 200_000),
    "many backends": ("haproxy", "".join(f"backend b{n}\n  server s 1.1.1.1:1\n" for n in range(9000))),
    "aliases of aliases": (
        "envoy",
        "static_resources:\n  a0: &a0 [x, x]\n"
        + "".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
        + "  listeners: *a11\n",
    ),
    "an alias of itself": ("envoy", "static_resources:\n  listeners: &a [{filter_chains: *a, name: b}, *a]\n"),
    "deep lists": ("envoy", "static_resources: " + "[" * DEEP),
    "many routes": (
        "envoy",
        test_envoy_files.complete().replace(
            "              - match: {prefix: /mcp}\n                route: {cluster: mcp}\n",
            "              - {match: {prefix: /a}, route: {cluster: b}}\n" * 4000,
        ),
    ),
    "snippets of snippets": (
        "caddy",
        "".join(f"(s{n}) {{\n" + f"import s{n + 1}\n" * 9 + "}\n" for n in range(20)) + ":80 {\nimport s0\n}\n",
    ),
    "deep sites": ("caddy", "a {\n" * DEEP),
    "open quotes": ("caddy", ":80 {\n" + '"a ' * 50_000 + "`" * 50_000 + "}\n"),
    "open documents": ("caddy", ":80 {\n" + "<<A a\n" * 20_000 + "}\n"),
    "a deep rule": ("traefik", test_traefik_files.pool().replace("PathPrefix(`/mcp`)", '"' + "!(" * 2000 + '"')),
    "a rule of many alternatives": (
        "traefik",
        test_traefik_files.pool().replace("PathPrefix(`/mcp`)", '"' + " && ".join(["(A(`1`) || B(`2`))"] * 200) + '"'),
    ),
    "middlewares of middlewares": (
        "traefik",
        test_traefik_files.pool().replace("service: mcp}", "service: mcp, middlewares: [a]}")
        + "  middlewares:\n    a: {chain: {middlewares: [a, a, a, a, a, a, a, a, a]}}\n",
    ),
    "many tables": ("toml", "".join(f"[http.routers.a{n}.b.c]\nd = [1, {{ e = 2 }}]\n" for n in range(5000))),
    "an open list": ("toml", "[http.routers.a]\nrule = [\n" * 3000),
    "many services": (
        "traefik",
        "http:\n  services:\n" + "".join(f"    s{n}: {{loadBalancer: {{}}}}\n" for n in range(3000)),
    ),
}


@pytest.mark.parametrize(("kind", "text"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_configuration_takes_less_than_a_second(kind: str, text: str) -> None:
    reader, path, _ = SAMPLES[kind]
    for part in (text, text[:LONGEST]):
        started = time.process_time()
        found = reader.read(part, path, {path: part})
        assert time.process_time() - started < LONGEST_S
        assert found.examined or found.not_examined
    started = time.process_time()
    getattr(reader, f"is_{reader.__name__.rpartition('.')[2]}")(text, path)
    assert time.process_time() - started < LONGEST_S


@pytest.mark.parametrize("kind", SAMPLES)
def test_large_configurations_take_less_than_a_second(kind: str) -> None:
    reader, path, samples = SAMPLES[kind]
    sample = samples[-1]
    text = sample * (LONGEST // len(sample))
    started = time.process_time()
    reader.read(text, path, {path: text})
    assert time.process_time() - started < LONGEST_S


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize(
    "text", ["", "\n", "\0\1", "\ufeff", "}", "{", ";", ":", "- ", "a", "\ud800", "[[[", '"', "é" * 10]
)
def test_strange_texts_are_read_or_refused(kind: str, text: str) -> None:
    reader, path, _ = SAMPLES[kind]
    found = reader.read(text, path, {path: text})
    assert found.proxies == () or kind in ("nginx", "caddy")


@pytest.mark.parametrize("kind", SAMPLES)
def test_many_files_in_a_folder_take_a_time_in_proportion(kind: str) -> None:
    reader, name, samples = SAMPLES[kind]
    text = samples[0] if kind != "nginx" else test_nginx_files.POOL + test_nginx_files.ENVELOPE

    def took(count: int) -> float:
        files = {f"conf.d/{number}-{name}": text for number in range(count)}
        started = time.process_time()
        assert len(reader.read_all(list(files), files).proxies) == count
        return time.process_time() - started

    took(4)
    assert took(200) < 30 * took(20)
