"""The capacity of a deployment, as a decision and its document show it."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from typing import Annotated, NamedTuple

from advisor.documents import Count, Number


class CapacityAdvice(NamedTuple):
    """The capacity of the instances.

    Attributes:
        sessions_per_instance: legacy sessions in a process if every client has a session; 0 without sessions.
        session_bytes: memory of a session with an open GET stream, in bytes.
        process_bytes: memory of a process without sessions, in bytes.
        memory_mb: memory of a process with all of its sessions, in MB (1,000,000 bytes); 0 without sessions.
        memory_budget_mib: memory budget of an instance, in MiB.
        session_limit: the session limit of the SDK for a process, or None.
        calls_per_s: calls per second that a process answers with these flags, for a tool that does no work.
        enough: whether the planned instances can hold all sessions within the session limit and the memory budget.
        advice_instances: the smallest number of instances that can hold all sessions.
        because: an explanation with the figures.
        sources: the ids of the sources.
    """

    sessions_per_instance: Count
    session_bytes: Count
    process_bytes: Count
    memory_mb: Number
    memory_budget_mib: Count
    session_limit: int | None
    calls_per_s: Count
    enough: bool
    advice_instances: Annotated[int, {"minimum": 1}]
    because: str
    sources: tuple[str, ...]
