"""The Python that starts a server with the flags of a decision, where and how the platform starts it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from advisor.decision.core import Flags
from advisor.decision.proxy_limits import function_timeout_words, hop_limits
from advisor.knowledge.catalogue import SdkCode
from advisor.knowledge.space import ENDPOINT, SERVER_PORT, FactSpace
from advisor.requirements.hops import hops_of
from advisor.requirements.model import Requirements

_WIDTH = 80
_REACHED = ("kubernetes", "compose", "serverless")
"""The platforms on which other machines or containers must reach the server. A managed proxy is another machine too."""

_LOCAL_HOSTS = ("localhost", "127.0.0.1")
"""Hosts that the code always allows. Many proxies send the address of the server in the Host header."""


def server_code(flags: Flags, facts: Mapping[str, Any], requirements: Requirements, space: FactSpace) -> str:
    """Return the code without a final newline; "" without Python flags.

    The code answers requests for every host of the requirements. If the SDK refuses other hosts than localhost by
    default, the code lists the hosts. Otherwise, a comment says where the list goes.

    A function gets code for a function. If the requirements do not say whether a function runs the server, the result
    has the code for both, each below a comment.
    """
    if facts["server.kind"] != "python":
        return ""
    phrases = space.knowledge.phrases
    sdk = space.knowledge.sdks[space.releases[facts["sdk"]].line.id]
    values = {"service": requirements["service"], **flags._asdict()}
    path = _path(sdk.path, requirements)
    address = _address(requirements, space)
    hosts = requirements["environment.hosts"]
    checked = facts["sdk.host_check"] == "checked" and not (sdk.hosts_off and address)
    allowed = [_filled(sdk.hosts_argument, {"hosts": json.dumps(hosts)})] if hosts and checked else []
    values |= {"path": "".join(f", {argument}" for argument in (path if sdk.hosts_off else path + allowed))}
    function = _filled(sdk.function, values)
    process = _process(sdk.code, values, address + path + allowed)
    if requirements["scale.workers"] > 1 and flags.stateless_http:  # run() starts one process
        app = _process(sdk.app, values, address[:1] + path + allowed)
        process = f"# {_uvicorn(requirements, address, phrases)}\n{app}"
    if allowed and sdk.hosts:
        process = _with_hosts(process, sdk, requirements)
    notes = (
        ["code.prefix"] if facts["environment.path"] == "prefix" and facts["environment.proxy.kind"] != "none" else []
    )
    notes += ["code.web"] if requirements["environment.function_adapter"] == "web" else []
    note = "".join(f"# {phrases[name]}\n" for name in notes)
    note += f"# {sdk.hosts_note}\n" if hosts and not allowed else ""
    match facts["server.start"]:
        case "function":
            return note + function
        case "unknown":
            parts = {"code.function": function, "code.process": process}
            return note + "\n\n\n".join(f"# {phrases[name]}\n{code}" for name, code in parts.items())
    return note + process


def function_limits(requirements: Requirements, space: FactSpace) -> str:
    """Return sentences about what limits a function: its timeout, the time limit of the proxy, and streams."""
    phrases = space.knowledge.phrases
    _, total = hop_limits(requirements, space)
    default = function_timeout_words(requirements, space)
    said = [default] if default and not total.proxy.function_timeout else []
    if total.seconds is not None:
        said.append(phrases["function.total"].format(name=total.proxy.name, seconds=f"{total.seconds:g}"))
    if requirements["environment.proxy.sse"] is False:
        said.append(phrases["function.no-streams"])
    return " ".join(said)


def _path(argument: str, requirements: Requirements) -> list[str]:
    path = requirements["environment.path"]
    return [] if path == ENDPOINT else [f'{argument}="{path}"']


def _address(requirements: Requirements, space: FactSpace) -> list[str]:
    """Return the arguments for the address: by default, an SDK listens on localhost and on port 8000."""
    platform = space.knowledge.proxies[hops_of(requirements.values)[-1].kind]
    remote = platform.operated == "managed" and requirements["environment.platform"] != "local"
    if requirements["environment.platform"] not in _REACHED and not remote:
        return []
    port = ['port=int(os.environ["PORT"])'] if platform.port == "environment" else []
    return ['host="0.0.0.0"', *port]


def _with_hosts(code: str, sdk: SdkCode, requirements: Requirements) -> str:
    """Return `code` with the import of the host check and with the lists of hosts and origins after the imports."""
    hosts = requirements["environment.hosts"]
    origins = [*(f"https://{host}" for host in hosts), *requirements["environment.origins"]]
    origins += [f"http://{host}:*" for host in _LOCAL_HOSTS]
    lists = _filled(sdk.hosts, {"hosts": json.dumps([*hosts, *_LOCAL_HOSTS]), "origins": _list(origins)})
    imports, _, rest = code.partition("\n\n")  # `import os` is only in code that listens on all addresses
    return f"{imports}\n{sdk.hosts_import}\n\n{lists}\n{rest}"


def _list(names: Sequence[str]) -> str:
    """Return an argument with a list, in one line or with a line for each name."""
    line = json.dumps(names)
    if len(line) + len("    allowed_origins=,") <= _WIDTH:
        return line
    return f"[\n{''.join(f'        {json.dumps(name)},{chr(10)}' for name in names)}    ]"


def _uvicorn(requirements: Requirements, address: list[str], phrases: Mapping[str, str]) -> str:
    host = "0.0.0.0" if address else "127.0.0.1"  # noqa: S104 (the text of a command)
    port = "$PORT" if len(address) > 1 else str(SERVER_PORT)
    return phrases["code.workers"].format(workers=requirements["scale.workers"], host=host, port=port)


def _process(template: str, values: Mapping[str, Any], arguments: list[str]) -> str:
    """Return the code of a process. Arguments of the address that do not fit into the line get a line of their own."""
    lines = []
    for line in template.rstrip().splitlines():
        before, found, after = _filled(line, values).partition("{address}")
        if found and arguments:
            own = f", {', '.join(arguments)}"
            if len(f"{before}{own}{after}") > _WIDTH:
                own = f",\n{' ' * (before.index('(') + 1)}{', '.join(arguments)}"
            before += own
        lines.append(before + after)
    imports = ["import os", ""] if any("os.environ" in argument for argument in arguments) else []
    return "\n".join([*imports, *lines])


def _filled(template: str, values: Mapping[str, Any]) -> str:
    text = template.rstrip()
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text
