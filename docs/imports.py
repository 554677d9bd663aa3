"""The diagram of the packages in architecture.md, drawn from the real imports by `python -m docs.generate`."""

from __future__ import annotations

import grimp

BEGIN, END = "<!-- imports: written by `python -m docs.generate` -->", "<!-- end of imports -->"
_TOP = ("advisor", "__main__")


def room(module: str, packages: set[str]) -> str:
    """The package that a module belongs to: one below `advisor`, or one below `advisor.lab`."""
    parts = module.split(".")
    if len(parts) == 1:
        return parts[0]
    in_lab = parts[1] == "lab" and ".".join(parts[:3]) in packages
    return "/".join(parts[1:3]) if in_lab else parts[1]


def arrows() -> dict[str, set[str]]:
    """For each package the packages that it imports, type annotations included."""
    graph = grimp.build_graph("advisor", cache_dir=None)
    packages = {module.rpartition(".")[0] for module in graph.modules} - {"advisor.lab"}
    rooms = {module: room(module, packages) for module in graph.modules}
    found: dict[str, set[str]] = {}
    for module, importer in rooms.items():
        for imported in graph.find_modules_directly_imported_by(module):
            if importer not in _TOP and rooms[imported] not in (importer, *_TOP):
                found.setdefault(importer, set()).add(rooms[imported])
    return found


def reduced(found: dict[str, set[str]]) -> dict[str, set[str]]:
    """The arrows that no longer path replaces, so that a reader sees the layers and not every import."""

    def beyond(package: str) -> set[str]:
        return {target for direct in found.get(package, ()) for target in {direct, *beyond(direct)}}

    return {
        package: {target for target in targets if not any(target in beyond(other) for other in targets - {target})}
        for package, targets in found.items()
    }


def diagram() -> str:
    """The Mermaid block."""
    lines = ["```mermaid", "flowchart TD"]
    for package, targets in sorted(reduced(arrows()).items()):
        lines += [f"  {_node(package)} --> {_node(target)}" for target in sorted(targets)]
    return "\n".join([*lines, "```"])


def _node(package: str) -> str:
    return f'{package.replace("/", "_")}["{package}"]'


def with_diagram(page: str) -> str:
    """The page with today's diagram between its two marks."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{diagram()}\n{END}{rest.partition(END)[2]}"
