"""The memory of an instance: the request and the limit in a manifest, from the figures of the decision."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.decision.core import Core
from advisor.decision.model import Decision
from advisor.knowledge.capacity import MEBI, MemoryPlan, kilobytes
from advisor.sentences import amount


@dataclass(frozen=True, slots=True)
class MemoryContext:
    """The memory of an instance of a tier, as the decision computed it.

    Attributes:
        process_bytes: bytes of a server process without sessions.
        session_bytes: bytes of a session with an open GET stream.
        sessions: sessions per instance at the minimum number of instances; 0 for a tier without sessions.
        plan: headroom, step size, and the minimum request and limit.
    """

    process_bytes: int
    session_bytes: int
    sessions: int
    plan: MemoryPlan

    def needed(self, processes: int) -> int:
        """Return the bytes of an instance with this number of server processes."""
        return processes * self.process_bytes + self.sessions * self.session_bytes

    def request_mi(self, processes: int) -> int:
        """Return the memory request of an instance in MiB: its need, and at least the minimum of its processes."""
        return max(self.plan.request_mi * processes, self._grains(self.needed(processes) * 100))

    def limit_mi(self, processes: int) -> int:
        """Return the memory limit of an instance in MiB: its need plus the headroom, and at least the request."""
        needed = self._grains(self.needed(processes) * (100 + self.plan.headroom_percent))
        return max(self.plan.limit_mi * processes, self.request_mi(processes), needed)

    def most_sessions(self, processes: int, limit: int) -> int:
        """Return the largest number of sessions that an instance accepts.

        The planned sessions always fit. More sessions use at most the first half of the headroom, which running calls
        need.

        Args:
            processes: server processes of the instance.
            limit: the limit of the SDK.
        """
        if not self.session_bytes:
            return limit
        usable = self.limit_mi(processes) * MEBI * 200 // (200 + self.plan.headroom_percent)
        return min(limit, max(self.sessions, (usable - processes * self.process_bytes) // self.session_bytes))

    def scaling_sessions(self, most: int, percent: int) -> int:
        """Return the sessions per instance that an autoscaler aims at: the planned sessions, if they are known.

        Args:
            most: the largest number of sessions that an instance accepts.
            percent: the largest share of `most` to aim at.
        """
        return max(1, min(self.sessions or most, most * percent // 100))

    def words(self, processes: int) -> dict[str, str]:
        """Return the figures as texts for a comment."""
        plan = self.plan
        return {
            "process": _mega(self.process_bytes),
            "session": kilobytes(self.session_bytes),
            "sessions": amount(self.sessions, "session"),
            "held": _mega(self.sessions * self.session_bytes),
            "needed": _mega(self.needed(processes)),
            "grain": f"{plan.grain_mi} MiB",
            "request": f"{plan.request_mi} MiB",
            "headroom": f"{plan.headroom_percent} %",
            "limit": f"{plan.limit_mi} MiB",
        }

    def _grains(self, hundredths: int) -> int:
        """Convert hundredths of bytes to MiB and round up to a multiple of the step size. Integers keep this exact."""
        grain = self.plan.grain_mi
        return -(-hundredths // (100 * grain * MEBI)) * grain


def memory_of(decision: Decision, core: Core, plan: MemoryPlan) -> MemoryContext:
    """Return the memory of an instance of a tier.

    Args:
        decision: the decision with its capacity. The sessions in it belong to the tier with sessions.
        core: the configuration of the tier.
        plan: the memory plan of the knowledge base.
    """
    found = decision.capacity
    if found is None:
        return MemoryContext(0, 0, 0, plan)
    sessions = 0 if core.flags.stateless_http else found.sessions_per_instance
    return MemoryContext(found.process_bytes, found.session_bytes if sessions else 0, sessions, plan)


def _mega(number: int) -> str:
    return f"{number / 1_000_000:,.0f} MB"
