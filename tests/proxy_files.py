"""Reads the configurations of tests, and states their observations in short."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from advisor.deployment.model import DeploymentFiles, Observations, Proxy
from advisor.knowledge import Knowledge
from advisor.lab.process.programs import program


def accepted(folder: Path, text: str) -> None:
    """nginx accepts a file."""
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = text.replace("http {", f"http {{ access_log off; {temporary}", 1)
    (folder / "nginx.conf").write_text(f"pid {folder}/pid;\nerror_log stderr;\n{text}")
    command = [str(program("nginx")), "-t", "-e", "stderr", "-c", str(folder / "nginx.conf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr


def values(observed: Observations) -> dict[str, Any]:
    return {name: observation.value for name, observation in observed.items()}


def lines(observed: Observations) -> dict[str, int | None]:
    return {name: observation.location.line for name, observation in observed.items()}


def only(found: DeploymentFiles) -> Proxy:
    """The only proxy, of which everything was examined."""
    assert found.not_examined == ()
    (proxy,) = found.proxies
    return proxy


def parts(proxy: Proxy) -> dict[str, list[Observations]]:
    return {
        "proxy": [proxy.observed],
        "upstream": [upstream.observed for upstream in proxy.upstreams],
        "target": [target.observed for upstream in proxy.upstreams for target in upstream.targets],
        "route": [route.observed for route in proxy.routes],
    }


def check_words(found: DeploymentFiles, knowledge: Knowledge) -> None:
    """Check that rules/observations.yaml has every observation, with its type and its values."""
    types: Mapping[str, Any] = {
        "yes-no": bool,
        "seconds": (int, float),
        "bytes": int,
        "number": int,
        "word": str,
        "words": tuple,
    }
    for proxy in found.proxies:
        names = [upstream.name for upstream in proxy.upstreams]
        assert len(names) == len(set(names)), names
        assert {route.upstream for route in proxy.routes} <= {"", *names}
        assert proxy.product in knowledge.proxies
        for part, every in parts(proxy).items():
            for observed in every:
                for name, observation in observed.items():
                    kind = knowledge.observations[name]
                    assert part in kind.of, (part, name)
                    if not observation.is_dynamic:
                        assert isinstance(observation.value, types[kind.type]), (name, observation)
                        stated = observation.value if isinstance(observation.value, tuple) else (observation.value,)
                        assert not kind.values or set(stated) <= set(kind.values), (name, observation)
