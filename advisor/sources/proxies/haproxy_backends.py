"""Reads the backends of HAProxy: how HAProxy selects the server of a request."""

from __future__ import annotations

import re
from collections.abc import Sequence

from advisor.deployment.model import Target, Upstream
from advisor.findings import Location
from advisor.sources.proxies.haproxy_syntax import ConfigLine, HaproxySection, header_of
from advisor.sources.proxies.wording import SESSION_HEADER, Notes, hash_of_header, host_and_port, number, seconds, size

_BALANCE = {
    "roundrobin": "round-robin",
    "static-rr": "round-robin",
    "leastconn": "least-connections",
    "source": "address-hash",
    "first": "first",
    "random": "random",
    "uri": "path-hash",
    "url_param": "other-hash",
    "rdp-cookie": "other-hash",
}


def read_backend(
    section: HaproxySection, every: Sequence[HaproxySection], environment: dict[str, str], owner: bool
) -> Upstream:
    """Return the upstream of a backend or of a `listen` section.

    Args:
        section: the section.
        every: all sections, for stick tables and peers in other sections.
        environment: the variables that the files set.
        owner: whether a rule outside the section selects this backend by the session id.
    """
    notes = Notes()
    targets = [found for line in section.lines if (found := _target(line, environment)) is not None]
    _balance(section, notes)
    _table(section, every, notes)
    _cookie(section, notes)
    _rewriting(section, notes, owner)
    _connections(section, notes)
    return Upstream(section.name, section.location, tuple(targets), notes)


def _servers(section: HaproxySection) -> list[ConfigLine]:
    return [line for line in section.lines if line.words[0] in ("server", "server-template", "default-server")]


def _target(line: ConfigLine, environment: dict[str, str]) -> Target | None:
    words = line.words
    place = {"server": 2, "server-template": 3}.get(words[0])
    if place is None or len(words) <= place or "disabled" in words[place:]:
        return None
    address, _ = line.file.restored(words[place], environment)
    address = re.sub(r"^(ipv4|ipv6|tcp4?|tcp6|quic4)@", "", address)
    notes = Notes()
    if "backup" in words:
        notes.note("backup", True, line.location)
    if line.after("weight") == "0":
        notes.note("drain", True, line.location)
    host, port = host_and_port(address)
    return Target(host, port, line.location, is_pool=words[0] == "server-template", observed=notes)


def _balance(section: HaproxySection, notes: Notes) -> None:
    line = section.last("balance")
    if line is None or len(line.words) < 2:
        return
    word = line.words[1].lower()
    header = re.fullmatch(r"hdr\(([\w:.-]+)\)", word)
    kind = hash_of_header(header[1]) if header else _BALANCE.get(word.partition("(")[0], "unknown")
    if word == "hash" and len(line.words) > 2:
        kind = _expression(line.words[2])
    notes.note("balance", kind, line.location)
    if kind == "address-hash":
        notes.note("sticky", "address", line.location)


def _expression(text: str) -> str:
    """Return the value of `balance` for a hash of a sample expression."""
    fetch = text.lower()
    if header_of(fetch):
        return hash_of_header(header_of(fetch))
    if re.match(r"(req\.)?cook\(", fetch):
        return "cookie-hash"
    if re.match(r"src\b", fetch):
        return "address-hash"
    return "path-hash" if re.match(r"(path|url|pathq)\b", fetch) else "other-hash"


def _table(section: HaproxySection, every: Sequence[HaproxySection], notes: Notes) -> None:
    stored = matched = None
    name = ""
    for line in section.own("stick"):
        verb, expression = (*line.words[1:3], "", "")[:2]
        fetch = expression.lower()
        name = line.after("table") or name
        by_response = re.match(rf"res\.f?hdr\({SESSION_HEADER}\b", fetch)
        if verb == "store-response" and by_response:
            stored = line
        elif verb in ("match", "on", "store-request") and header_of(fetch) == SESSION_HEADER:
            matched = matched or line
            if verb == "on" and stored is None:
                notes.note("sticky", "requested", line.location)
        elif fetch.startswith("src") and verb in ("on", "match"):
            notes.note("sticky", "address", line.location)
        elif re.match(r"(req|res)\.cook\(|cookie\(|cook\(", fetch):
            notes.note("sticky", "cookie", line.location)
        elif verb in ("on", "match"):
            notes.note("sticky", "other", line.location)
    if stored is not None and matched is not None:
        notes.note("sticky", "learned", stored.location)
        notes.note("sticky_at_headers", True, stored.location)
    elif matched is not None and "sticky" not in notes:
        notes.note("sticky", "requested", matched.location)
    if "sticky" in notes and notes["sticky"].value in ("learned", "address", "requested", "cookie", "other"):
        holder = next((found for found in every if name and found.name == name), section)
        for line in holder.own("stick-table"):
            _table_options(line, every, notes)


def _table_options(line: ConfigLine, every: Sequence[HaproxySection], notes: Notes) -> None:
    notes.note("sticky_timeout", seconds(line.after("expire"), "ms"), line.location)
    notes.note("sticky_id_length", number(line.after("len")), line.location)
    notes.note("sticky_entries", size(line.after("size")), line.location)
    peers = line.after("peers")
    if peers:
        named = {
            peer.words[1]
            for section in every
            if section.kind == "peers" and section.name == peers
            for peer in section.lines
            if peer.words[0] in ("peer", "server") and len(peer.words) > 1
        }
        notes.note("sticky_shared", len(named) > 1, line.location)


def _cookie(section: HaproxySection, notes: Notes) -> None:
    line = section.last("cookie")
    valued = [found for found in _servers(section) if found.after("cookie") or "dynamic-cookie-key" in found.words]
    is_dynamic = line is not None and "dynamic" in line.words
    if line is None or not (valued or is_dynamic):
        return
    notes.note("sticky", "cookie", line.location)
    if {"insert", "rewrite", "prefix"} & set(line.words):
        notes.note("cookie_secure", "secure" in line.words, line.location)


def _rewriting(section: HaproxySection, notes: Notes, owner: bool) -> None:
    changed = next((line for line in section.lines if sets_session(line)), None)
    if changed is not None and (owner or any(section.own("use-server"))):
        notes.note("sticky", "rewritten", changed.location)


def sets_session(line: ConfigLine) -> bool:
    """Whether a rule changes the session id that an instance sends to the client."""
    if line.words[0] not in ("http-response", "http-after-response") or len(line.words) < 4:
        return False
    action, header, value = line.words[1], line.words[2].lower(), line.words[3]
    return action in ("set-header", "replace-header", "replace-value") and header == SESSION_HEADER and bool(value)


def _connections(section: HaproxySection, notes: Notes) -> None:
    closing = section.option("http-server-close") or section.option("httpclose")
    reuse = section.last("http-reuse")
    if closing is not None or (reuse is not None and reuse.words[1:2] == ("never",)):
        notes.note("keepalive", False, (closing or reuse or section).location)
    for line in [*section.inherited, *section.lines]:
        if line.words[0] not in ("server", "server-template", "default-server"):
            continue
        notes.note("keepalive_timeout", seconds(line.after("pool-purge-delay"), "ms"), line.location)
        if "check" in line.words and "no-check" not in line.words:
            notes.note("health_check", True, line.location)
        if line.after("resolvers"):
            notes.note("resolves_names", True, line.location)
    if "health_check" in notes:
        _check_path(section, notes)


def _check_path(section: HaproxySection, notes: Notes) -> None:
    line = section.last("option", "httpchk")
    if line is not None and len(line.words) > 2:
        notes.note("health_check_path", line.words[3] if len(line.words) > 3 else line.words[2], line.location)
    sent = section.last("http-check", "send")
    if sent is not None and sent.after("uri"):
        notes.note("health_check_path", sent.after("uri"), sent.location)


def server_uses_tls(section: HaproxySection) -> tuple[bool, Location] | None:
    """Return whether HAProxy connects to the servers of a section with TLS, with the place; None without servers."""
    lines = _servers(section)
    tls = next((line for line in lines if "ssl" in line.words), None)
    if tls is not None:
        return True, tls.location
    return (False, lines[0].location) if lines else None
